//! What happens in a round: what Lifeboat is asked to do, where it is killed, what goes wrong, and who writes meanwhile.

use crate::act::Action;
use crate::fault::Fault;
use crate::kill::Point;
use crate::writer::Who;

/// See the module.
#[derive(Debug)]
pub struct Plan {
    pub action: Action,
    pub point: Point,
    pub fault: Option<Fault>,
    pub writers: Who,
}

impl Plan {
    /// Whether somebody writes to tables of which a part is to come back, and does not stop for it.
    pub fn writes_into_a_part(&self) -> bool {
        let is_of_tables = matches!(&self.action, Action::Restore { chosen, .. } if chosen.is_of_tables());
        is_of_tables && self.writers.writes_all_the_time()
    }
}

impl Who {
    fn writes_all_the_time(self) -> bool {
        matches!(self, Self::Databases | Self::Everywhere)
    }
}

impl Action {
    /// The same where these write: what is written between the exchanges of two databases would have to wait for a person.
    pub fn among(mut self, writers: Who) -> Self {
        if let Self::Restore { chosen, .. } = &mut self
            && chosen.is_of_tables()
            && writers.writes_all_the_time()
        {
            chosen.instances.truncate(1);
        }
        self
    }
}
