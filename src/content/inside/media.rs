//! What bytes are, by how they begin: enough for a person to know a picture from a text.

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Media {
    /// `image/png`; `None` for what is not known.
    pub media_type: Option<&'static str>,
    /// `640 × 480 pixels`.
    pub facts: Option<String>,
    /// The bytes as text, if they are.
    pub text: Option<String>,
}

/// Looks at the beginning of some bytes.
#[must_use]
pub fn look(bytes: &[u8]) -> Media {
    let known = known(bytes);
    if let Some((media_type, pixels)) = known {
        return Media {
            media_type: Some(media_type),
            facts: pixels.map(|(width, height)| format!("{width} × {height} pixels")),
            text: None,
        };
    }
    let text = text(bytes);
    let media_type = text.as_deref().map(|text| {
        let begins = text.trim_start();
        if begins.starts_with("<?xml") {
            "text/xml"
        } else if begins.starts_with("<svg") {
            "image/svg+xml"
        } else if begins.to_ascii_lowercase().starts_with("<!doctype html") {
            "text/html"
        } else {
            "text/plain"
        }
    });
    Media {
        media_type,
        facts: None,
        text,
    }
}

type Pixels = Option<(u32, u32)>;

fn known(bytes: &[u8]) -> Option<(&'static str, Pixels)> {
    let is = |begin: &[u8]| bytes.starts_with(begin);
    if is(b"\x89PNG\r\n\x1a\n") {
        return Some(("image/png", big(bytes, 16).zip(big(bytes, 20))));
    }
    if is(b"GIF87a") || is(b"GIF89a") {
        return Some(("image/gif", little(bytes, 6).zip(little(bytes, 8))));
    }
    if is(b"\xff\xd8\xff") {
        return Some(("image/jpeg", jpeg(bytes)));
    }
    if is(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Some(("image/webp", None));
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return Some(("video/mp4", None));
    }
    let begins: [(&[u8], &str); 6] = [
        (b"%PDF-", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"\x1f\x8b", "application/gzip"),
        (b"\xd0\xcf\x11\xe0", "application/msword"),
        (b"ID3", "audio/mpeg"),
        (b"wOF2", "font/woff2"),
    ];
    let found = begins.into_iter().find(|(begin, _)| is(begin));
    found.map(|(_, media_type)| (media_type, None))
}

fn big(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn little(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?).into())
}

/// The size of a JPEG is in the first of its segments that begins a frame.
fn jpeg(bytes: &[u8]) -> Pixels {
    let mut at = 2;
    loop {
        let [0xff, marker, high, low] = *bytes.get(at..)?.first_chunk()? else {
            return None;
        };
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            let size = |at: usize| Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?).into());
            return size(at + 7).zip(size(at + 5));
        }
        // A length counts itself, so that this comes to an end.
        at += 2 + usize::from(u16::from_be_bytes([high, low]).max(2));
    }
}

/// Bytes that are text, but for a character that is cut at their end.
fn text(bytes: &[u8]) -> Option<String> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let is_odd = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    (!text.is_empty() && !text.contains(is_odd)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pictures_are_told_from_texts() {
        let png = [
            &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..],
            &640_u32.to_be_bytes(),
            &480_u32.to_be_bytes(),
        ]
        .concat();
        let found = look(&png);
        assert_eq!(found.media_type, Some("image/png"));
        assert_eq!(found.facts.as_deref(), Some("640 × 480 pixels"));
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08\x01\x00\x02\x00";
        assert_eq!(look(jpeg).facts.as_deref(), Some("512 × 256 pixels"));
        let gif = b"GIF89a\x05\0\x07\0";
        assert_eq!(look(gif).facts.as_deref(), Some("5 × 7 pixels"));
        assert_eq!(look(b"<?xml version=\"1.0\"?>").media_type, Some("text/xml"));
        assert_eq!(look("Grüße\n".as_bytes()).text.as_deref(), Some("Grüße\n"));
        assert_eq!(look(&"Grü".as_bytes()[..3]).text.as_deref(), Some("Gr"));
        for odd in [&b""[..], b"\x1b[2J", b"a\0b", b"\xff\xfe"] {
            assert_eq!(look(odd), Media::default());
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_looked_at_breaks_it(
            begin in prop::sample::select(vec![&b"\xff\xd8\xff"[..], b"\x89PNG\r\n\x1a\n", b"GIF89a", b""]),
            rest in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let seen = look(&[begin, &rest].concat());
            prop_assert!(seen.text.is_none() || seen.media_type.is_some());
        }
    }
}
