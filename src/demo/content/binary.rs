//! Binary assets: real PNG and PDF files, and photographs of noise.

use std::fmt::Write as _;

use super::random::Random;

/// A picture that any viewer opens: a gradient with a random tint, so many pixels on each side.
pub(super) fn png(random: &mut Random, side: u16) -> Vec<u8> {
    let tint = random.next().to_le_bytes();
    let mut rows = Vec::new();
    for y in 0..side {
        rows.push(0); // no filter
        for x in 0..side {
            let shade =
                |step: u16| u8::try_from(u32::from(step) * 255 / u32::from(side.max(1))).unwrap_or(255);
            rows.extend_from_slice(&[shade(x) ^ tint[0], shade(y) ^ tint[1], tint[2]]);
        }
    }
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::new();
    header.extend_from_slice(&u32::from(side).to_be_bytes());
    header.extend_from_slice(&u32::from(side).to_be_bytes());
    header.extend_from_slice(&[8, 2, 0, 0, 0]); // 8 bits, true colour
    png_chunk(&mut file, *b"IHDR", &header);
    png_chunk(&mut file, *b"IDAT", &zlib_stored(&rows));
    png_chunk(&mut file, *b"IEND", &[]);
    file
}

fn png_chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    file.extend_from_slice(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let checked_from = file.len();
    file.extend_from_slice(&kind);
    file.extend_from_slice(data);
    let sum = crc32(&file[checked_from..]);
    file.extend_from_slice(&sum.to_be_bytes());
}

/// A zlib stream of blocks that are stored as they are.
fn zlib_stored(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let blocks = data.chunks(0xffff).count();
    for (index, block) in data.chunks(0xffff).enumerate() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        stream.push(u8::from(index + 1 == blocks));
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&(!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    stream.extend_from_slice(&adler32(data).to_be_bytes());
    stream
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 * (sum & 1))
        })
    })
}

fn adler32(data: &[u8]) -> u32 {
    let (low, high) = data.iter().fold((1, 0), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    high << 16 | low
}

/// What a photograph is to a backup: the frame of a JPEG file around bytes that no compression makes smaller.
pub(super) fn photograph(random: &mut Random, size: usize) -> Vec<u8> {
    let mut file = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x00\x00".to_vec();
    file.extend(random.bytes(size));
    file.extend_from_slice(b"\xff\xd9");
    file
}

/// A PDF file of one page with a title on it, and an attachment of so many bytes.
pub(super) fn pdf(random: &mut Random, title: &str, size: usize) -> Vec<u8> {
    let title: String = title
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || *letter == ' ')
        .collect();
    let text = format!("BT /F1 24 Tf 72 720 Td ({title}) Tj ET");
    let objects: [Vec<u8>; 6] = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
          /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_vec(),
        stream(text.as_bytes()),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
        stream(&random.bytes(size)),
    ];
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut index = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (number, object) in objects.iter().enumerate() {
        let _ = writeln!(index, "{:010} 00000 n ", file.len());
        file.extend(format!("{} 0 obj\n", number + 1).bytes());
        file.extend(object);
        file.extend_from_slice(b"\nendobj\n");
    }
    let start = file.len();
    let size = objects.len() + 1;
    file.extend(index.bytes());
    file.extend(format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").bytes());
    file
}

fn stream(data: &[u8]) -> Vec<u8> {
    let mut object = format!("<< /Length {} >>\nstream\n", data.len()).into_bytes();
    object.extend_from_slice(data);
    object.extend_from_slice(b"\nendstream");
    object
}

/// A drawing as text.
pub(super) fn svg(random: &mut Random) -> Vec<u8> {
    let mut text = String::from("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 64 64\">\n");
    for _ in 0..random.between(3, 12) {
        let (x, y, r) = (random.below(64), random.below(64), random.between(2, 20));
        let colour = random.next() & 0x00ff_ffff;
        let _ = writeln!(
            text,
            "  <circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" fill=\"#{colour:06x}\"/>"
        );
    }
    text.push_str("</svg>\n");
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_are_the_standard_ones() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn a_pdf_says_where_its_objects_are() {
        let file = pdf(&mut Random::of(1, "x"), "Summer (2026)", 100);
        let at = |needle: &[u8]| {
            file.windows(needle.len())
                .position(|window| window == needle)
                .unwrap()
        };
        let start: usize = std::str::from_utf8(&file[at(b"startxref\n") + 10..file.len() - 7])
            .unwrap()
            .parse()
            .unwrap();
        assert!(file[start..].starts_with(b"xref"));
        let first = format!("{:010} 00000 n", at(b"1 0 obj"));
        assert!(at(first.as_bytes()) > start);
    }
}
