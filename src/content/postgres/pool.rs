//! How much a pooler between Lifeboat and the server lets through at a time. Each transaction takes one of the pool's
//! connections for as long as it lasts, and those who come later wait: so the pool is never taken whole.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::runtime;
use tokio::time::timeout;

use super::connect::Connector;
use super::session::Between;
use crate::content::ContentError;

/// How long a transaction may take to begin. One that waits for another to end takes longer.
const PATIENCE: Duration = Duration::from_secs(1);

impl Connector {
    /// How many connections work at a time: as many as are configured and there is work for. Through a pooler only as many
    /// as it has room for now, less one, which others need.
    ///
    /// # Errors
    /// [`ContentError::Database`] when the server is out of reach.
    pub fn at_a_time(&self, work: usize) -> Result<usize, ContentError> {
        let most = self.settings().connections.min(work).max(1);
        if most == 1 {
            return Ok(most);
        }
        match self.between() {
            Some(Between::Nothing | Between::OlderServer) => Ok(most),
            Some(Between::Pooler) => Ok(self.room(most + 1)?.saturating_sub(1).clamp(1, most)),
            None => self.connect_to_one()?.1.at_a_time(work),
        }
    }

    /// How many transactions, up to `most`, can be open at the same time.
    ///
    /// # Errors
    /// [`ContentError::Database`] when the server is out of reach.
    pub fn room(&self, most: usize) -> Result<usize, ContentError> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| self.wrong("looking how many connections there are", error.to_string()))?;
        runtime.block_on(async {
            let mut connections = Vec::new();
            for _ in 0..most {
                let (client, driving) = self.connect_within().await?;
                connections.push((client, tokio::spawn(driving)));
            }
            let begun = connections
                .iter()
                .map(|(client, _)| timeout(PATIENCE, client.batch_execute("BEGIN READ ONLY")));
            let begun = join_all(begun).await;
            let mut room = 0;
            for ((client, driving), begun) in connections.into_iter().zip(begun) {
                // Those that still wait are given up. The others say that this is the end; what goes wrong in that ends with
                // the connection.
                if matches!(begun, Ok(Ok(()))) {
                    room += 1;
                    let _ = client.batch_execute("ROLLBACK").await;
                    drop(client);
                    let _ = driving.await;
                } else {
                    driving.abort();
                }
            }
            Ok(room)
        })
    }
}
