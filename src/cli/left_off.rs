//! Leaving a verb that asks in a shell, and writes only once everything is answered: whatever it waits for, Ctrl-C is heard at once
//! and says that nothing was written.

use tokio::task::JoinHandle;

use super::outside::interrupted;
use super::{Call, Interrupt};

/// Until this is dropped, whatever interrupts the process ends it at once.
pub(super) struct LeavesAtOnce(Option<JoinHandle<()>>);

impl LeavesAtOnce {
    /// Ends the process from here on when it is interrupted, and says this. In lines it is the cockpit that is interrupted.
    pub(super) fn saying(why: &'static str, call: &Call<'_>) -> Self {
        if call.in_lines.is_some() || !call.outside.input_is_terminal {
            return Self(None);
        }
        let mut interrupts = (call.outside.interrupts)();
        let leave = call.outside.leave;
        Self(Some(tokio::spawn(async move {
            let code = exit_code(interrupted(&mut interrupts).await);
            leave(why, code);
        })))
    }
}

impl Drop for LeavesAtOnce {
    fn drop(&mut self) {
        if let Some(waiting) = &self.0 {
            waiting.abort();
        }
    }
}

/// The exit code of a process that was ended so, as a shell tells it.
fn exit_code(interrupt: Interrupt) -> u8 {
    match interrupt {
        Interrupt::HungUp => 129,
        Interrupt::CtrlC => 130,
        Interrupt::Terminate => 143,
    }
}
