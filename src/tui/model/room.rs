//! How much room the terminal has, and how much of it the cockpit.

use ratatui::layout::Size;

use super::Model;

/// The smallest terminal that the screens fit in.
pub const SMALLEST: Size = Size {
    width: 80,
    height: 24,
};

impl Model {
    /// The terminal has another size.
    pub fn resize(&mut self, terminal: Size) {
        self.terminal = terminal;
        self.fit();
    }

    /// Gives the cockpit what the tour leaves of the terminal.
    pub fn fit(&mut self) {
        let tour = self.tour.as_ref();
        self.size = tour.map_or(self.terminal, |tour| tour.beside(self.terminal));
    }

    /// Whether the terminal is too small for the screens.
    #[must_use]
    pub fn is_too_small(&self) -> bool {
        self.terminal.width < SMALLEST.width || self.terminal.height < SMALLEST.height
    }
}
