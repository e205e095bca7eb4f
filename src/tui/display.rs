//! What the loop draws on: the real terminal, or anything that a test puts in its place.

use std::io;

use ratatui::layout::Size;

use super::paint::Frame;

/// What has become of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// It is on the screen.
    Already,
    /// It is being written: [`super::key::Input::Shown`] follows.
    UnderWay,
    /// The screen has not taken an earlier one yet: this one is left out, and the next is to be shown when
    /// [`super::key::Input::Shown`] comes.
    NotYet,
}

/// What is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Every process that was started with this one.
    Group,
    /// This one only, as it was asked from outside.
    Process,
}

/// A place that frames are shown on.
pub trait Display {
    /// Its size in columns and rows.
    fn size(&self) -> io::Result<Size>;

    /// Takes note of the size that a terminal has told of itself.
    fn corner(&mut self, size: Size);

    /// Shows a frame, and writes nothing if it is on the screen already. Never waits for the screen.
    fn show(&mut self, frame: Frame) -> io::Result<Shown>;

    /// Makes the next frame be written whole.
    fn forget(&mut self);

    /// Writes bytes as they are, after what is being written.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Whether something would continue this process after it was stopped.
    fn can_stop(&self) -> bool;

    /// Gives the terminal back and stops. Whoever continues it sends [`super::key::Input::Continued`].
    fn suspend(&mut self, stop: Stop) -> io::Result<()>;

    /// Takes the terminal again after that.
    fn resume(&mut self) -> io::Result<()>;
}
