//! What the loop draws on: the real terminal, or anything that a test puts in its place.

use std::io::{self, Write};

use ratatui::layout::Size;

use super::paint::{Frame, Painter};

/// A place that frames are shown on.
pub trait Display {
    /// Its size in columns and rows.
    fn size(&self) -> io::Result<Size>;

    /// Shows a frame, and writes nothing if it is on the screen already.
    fn show(&mut self, frame: Frame) -> io::Result<()>;

    /// Makes the next frame be written whole.
    fn forget(&mut self);

    /// Puts text on the clipboard of the person in front of the terminal.
    fn copy(&mut self, text: &str) -> io::Result<()>;

    /// Gives the terminal back and stops the process. Whoever continues it sends
    /// [`super::key::Input::Continued`].
    fn suspend(&mut self) -> io::Result<()>;

    /// Takes the terminal again after that. Does nothing when it had not been given back.
    fn resume(&mut self) -> io::Result<()>;
}

/// Writes frames as bytes, each frame in one write.
#[derive(Debug)]
pub struct Written<W> {
    writer: W,
    painter: Painter,
}

impl<W: Write> Written<W> {
    /// Writes to the writer.
    pub fn new(writer: W) -> Self {
        Self {
            writer,
            painter: Painter::default(),
        }
    }

    /// Brings the terminal behind the writer to the frame.
    pub fn show(&mut self, frame: Frame) -> io::Result<()> {
        let bytes = self.painter.encode(frame);
        if bytes.is_empty() {
            return Ok(());
        }
        self.send(&bytes)
    }

    /// Makes the next frame be written whole.
    pub fn forget(&mut self) {
        self.painter.forget();
    }

    /// Writes bytes as they are, in one write.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes)?;
        self.writer.flush()
    }
}
