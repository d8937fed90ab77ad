//! The connection with which a writer commits one group after the other.
//!
//! To take a connection from the pool for each group costs as much as a small group: the pool looks whether it is alive
//! before or after, and gives another one each time, which has to learn all statements. So the writer keeps one as long
//! as groups come and nobody else lacks one.

use sqlx::pool::PoolConnection;
use sqlx::{Database, Pool};

use super::group::Failure;
use super::sql::storage;

/// A connection of a pool that is kept between groups.
#[derive(Debug)]
pub(super) struct Held<DB: Database> {
    pool: Pool<DB>,
    connection: Option<PoolConnection<DB>>,
}

impl<DB: Database> Held<DB> {
    pub(super) fn new(pool: Pool<DB>) -> Self {
        Held { pool, connection: None }
    }

    /// The connection that was kept, or another one.
    pub(super) async fn take(&mut self) -> Result<PoolConnection<DB>, Failure> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => self.pool.acquire().await.map_err(|error| Failure::Together(storage(error))),
        }
    }

    /// Keeps a connection for the next group. After a failure it is closed: the state of its transaction is not known.
    pub(super) fn put_back<T>(&mut self, mut connection: PoolConnection<DB>, outcome: &Result<T, Failure>) {
        if outcome.is_err() {
            connection.close_on_drop();
        } else if !self.is_exhausted() && !self.pool.is_closed() {
            self.connection = Some(connection);
        }
    }

    /// Gives the connection back: no group comes.
    pub(super) fn give_back(&mut self) {
        self.connection = None;
    }

    /// All connections are in use: somebody may wait for this one.
    fn is_exhausted(&self) -> bool {
        self.pool.num_idle() == 0 && self.pool.size() >= self.pool.options().get_max_connections()
    }
}
