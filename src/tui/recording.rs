//! Records what a cockpit shows, as an asciicast of version 2: what `asciinema play` plays
//! (<https://docs.asciinema.org/manual/asciicast/v2/>).
//!
//! A recording is written beside what is shown, from the same frames: what a slow terminal left out is left out there. What is
//! typed is not recorded, so that no secret gets into it. Not in here: hiding names ([`super::mask`]).

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use ratatui::layout::Size;

use super::display::{Display, Shown, Stop};
use super::paint::{Frame, Painter};
use super::settings::Clock;
use crate::domain::Instant;

/// A display whose frames are recorded.
pub(super) struct Recorded<D> {
    display: D,
    painter: Painter,
    file: File,
    clock: Clock,
    began: Instant,
    size: Size,
    /// Why it could not go on.
    failed: Option<io::Error>,
}

/// A new file for a recording, that only its owner may read.
///
/// # Errors
/// That it is there already, or cannot be written.
pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

impl<D: Display> Recorded<D> {
    /// Begins a recording in an empty file.
    ///
    /// # Errors
    /// That it cannot be written.
    pub(super) fn begin(display: D, mut file: File, clock: Clock) -> io::Result<Self> {
        let (size, began) = (display.size()?, clock());
        let header = serde_json::json!({
            "version": 2,
            "width": size.width,
            "height": size.height,
            "timestamp": began.timestamp(),
            "title": "Lifeboat",
        });
        writeln!(file, "{header}")?;
        Ok(Self {
            display,
            painter: Painter::default(),
            file,
            clock,
            began,
            size,
            failed: None,
        })
    }

    /// Ends it.
    ///
    /// # Errors
    /// Why it is not whole.
    pub(super) fn end(self) -> io::Result<()> {
        self.failed.map_or(Ok(()), Err)
    }

    /// Writes down that something happened now: `o` for what is written to the terminal, `r` for its new size.
    fn note(&mut self, what: &str, text: &str) {
        if self.failed.is_some() {
            return;
        }
        let millis = ((self.clock)() - self.began).num_milliseconds().max(0);
        // Whole milliseconds, without a number that is not exact.
        let (seconds, rest) = (millis / 1000, millis % 1000);
        let line = format!(
            "[{seconds}.{rest:03},{},{}]\n",
            serde_json::Value::from(what),
            serde_json::Value::from(text)
        );
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // Whoever works goes on working: that it has ended is told when the cockpit is left.
            self.failed = Some(error);
        }
    }
}

impl<D: Display> Display for Recorded<D> {
    fn size(&self) -> io::Result<Size> {
        self.display.size()
    }

    fn corner(&mut self, size: Size) {
        self.display.corner(size);
    }

    fn show(&mut self, frame: Frame) -> io::Result<Shown> {
        let shown = self.display.show(frame.clone())?;
        if shown == Shown::NotYet {
            return Ok(shown);
        }
        let size = frame.buffer.area.as_size();
        if size != self.size {
            self.size = size;
            self.note("r", &format!("{}x{}", size.width, size.height));
        }
        let bytes = self.painter.encode(frame);
        if !bytes.is_empty() {
            self.note("o", &String::from_utf8_lossy(&bytes));
        }
        Ok(shown)
    }

    fn forget(&mut self) {
        self.display.forget();
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        // What is copied is no picture.
        self.display.write(bytes)
    }

    fn can_stop(&self) -> bool {
        self.display.can_stop()
    }

    fn suspend(&mut self, stop: Stop) -> io::Result<()> {
        self.display.suspend(stop)
    }

    fn resume(&mut self) -> io::Result<()> {
        self.display.resume()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use ratatui::buffer::Buffer;

    use super::*;

    /// A display that has one size and takes everything.
    struct Paper;

    impl Display for Paper {
        fn size(&self) -> io::Result<Size> {
            Ok(Size::new(20, 2))
        }

        fn corner(&mut self, _: Size) {}

        fn show(&mut self, _: Frame) -> io::Result<Shown> {
            Ok(Shown::Already)
        }

        fn forget(&mut self) {}

        fn write(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }

        fn can_stop(&self) -> bool {
            false
        }

        fn suspend(&mut self, _: Stop) -> io::Result<()> {
            Ok(())
        }

        fn resume(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn frame(text: &str) -> Frame {
        let mut buffer = Buffer::empty(ratatui::layout::Rect::new(0, 0, 20, 2));
        buffer.set_string(0, 0, text, ratatui::style::Style::default());
        Frame { buffer, cursor: None }
    }

    #[test]
    fn a_recording_is_what_was_shown_and_when() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.cast");
        let millis = Arc::new(AtomicI64::new(1_000));
        let now = Arc::clone(&millis);
        let clock: Clock =
            Arc::new(move || chrono::DateTime::from_timestamp_millis(now.load(Ordering::Relaxed)).unwrap());
        let mut recorded = Recorded::begin(Paper, create(&path).unwrap(), clock).unwrap();
        recorded.show(frame("Live is whole")).unwrap();
        millis.store(2_250, Ordering::Relaxed);
        recorded.show(frame("Live is whole")).unwrap();
        recorded.show(frame("Live is broken")).unwrap();
        recorded.end().unwrap();

        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines[0]["version"], 2);
        assert_eq!((&lines[0]["width"], &lines[0]["height"]), (&20.into(), &2.into()));
        assert_eq!(lines.len(), 3, "what changes nothing is not recorded: {text}");
        assert_eq!(
            (lines[1][0].as_f64(), lines[2][0].as_f64()),
            (Some(0.0), Some(1.25))
        );
        assert!(lines[1][2].as_str().unwrap().contains("Live is whole"));

        let mut parser = vt100::Parser::new(2, 20, 0);
        for line in &lines[1..] {
            parser.process(line[2].as_str().unwrap().as_bytes());
        }
        assert_eq!(parser.screen().contents().trim_end(), "Live is broken");
        // What somebody has recorded is not written over.
        assert!(create(&path).is_err());
    }
}
