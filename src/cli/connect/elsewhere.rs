//! Other contexts, asked for their environments while one is open in the cockpit. Only services can be: two engines on the
//! same content would be in each other's way.

use async_trait::async_trait;

use super::ThisMachine;
use crate::backend::Backend as _;
use crate::backend::remote::Remote;
use crate::cli::{CliError, Globals};
use crate::config::BackendAddress;
use crate::domain::state::EnvironmentSummary;
use crate::tui::Elsewhere;

/// The services that other contexts lead to, asked while one context is open.
pub(super) struct OtherServices {
    machine: ThisMachine,
    globals: Globals,
}

impl OtherServices {
    pub(super) fn of(machine: &ThisMachine, globals: &Globals) -> Self {
        Self {
            machine: machine.clone(),
            globals: globals.clone(),
        }
    }

    /// The service of a context; it ends with the answer.
    fn service(&self, name: &str) -> Result<Remote, CliError> {
        let globals = Globals {
            context: Some(name.to_owned()),
            ..self.globals.clone()
        };
        let (_, context) = self.machine.load(&globals)?;
        match context.context.backend.clone() {
            BackendAddress::Remote(address) => self.machine.remote(&context, address, None),
            BackendAddress::Embedded => Err(CliError::usage(format!(
                "the context \"{name}\" has an engine of its own, and no service that could be asked"
            ))),
        }
    }
}

#[async_trait]
impl Elsewhere for OtherServices {
    async fn environments(&self, context: &str) -> Result<Vec<EnvironmentSummary>, String> {
        let service = self.service(context).map_err(|error| error.message)?;
        service.environments().await.map_err(|error| error.to_string())
    }
}
