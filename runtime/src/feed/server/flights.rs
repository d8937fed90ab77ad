//! One reading for many readers: while a page is being made for one request, others that want the same page wait for it.
//!
//! Only pages that are full are shared. A page that met the end of the log may have been read before an event that
//! those who wait know of, so each of them reads for itself.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

type Waiting<K, V> = Arc<Mutex<HashMap<K, watch::Receiver<Option<Outcome<V>>>>>>;

/// What is being made.
pub(super) struct Flights<K, V>(Waiting<K, V>);

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome<V> {
    /// It is for all who wait.
    Shared(V),
    /// It is of no use to others.
    Own,
}

/// Whose turn it is.
pub(super) enum Turn<K: Eq + Hash, V> {
    /// The caller's own: others wait until it lands, or is dropped.
    Lead(Flight<K, V>),
    /// Another one has landed.
    Landed(Outcome<V>),
}

/// Something in the making, on which others may wait.
pub(super) struct Flight<K: Eq + Hash, V> {
    key: K,
    waiting: Waiting<K, V>,
    outcome: watch::Sender<Option<Outcome<V>>>,
}

impl<K: Clone + Eq + Hash, V: Clone> Flights<K, V> {
    pub(super) fn new() -> Self {
        Flights(Arc::default())
    }

    /// Waits while `key` is in the making, or else begins.
    pub(super) async fn turn(&self, key: &K) -> Turn<K, V> {
        loop {
            let mut waiting = {
                let mut flights = lock(&self.0);
                match flights.get(key) {
                    Some(waiting) => waiting.clone(),
                    None => {
                        let (outcome, waiting) = watch::channel(None);
                        flights.insert(key.clone(), waiting);
                        return Turn::Lead(Flight { key: key.clone(), waiting: Arc::clone(&self.0), outcome });
                    }
                }
            };
            let landed = waiting.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
            if let Some(outcome) = landed {
                return Turn::Landed(outcome);
            }
            // The one that led has gone away, and somebody else takes over.
        }
    }
}

impl<K: Eq + Hash, V> Flight<K, V> {
    /// Tells those who wait what came of it.
    pub(super) fn land(self, outcome: Outcome<V>) {
        self.outcome.send_replace(Some(outcome));
    }
}

impl<K: Eq + Hash, V> Drop for Flight<K, V> {
    fn drop(&mut self) {
        lock(&self.waiting).remove(&self.key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn who_waits_gets_what_was_made_or_takes_over() {
        let flights = Flights::<u8, u8>::new();
        for outcome in [Some(Outcome::Shared(7)), Some(Outcome::Own), None] {
            let Turn::Lead(flight) = flights.turn(&1).await else { panic!("nobody leads yet") };
            assert!(matches!(flights.turn(&2).await, Turn::Lead(_)), "what is another thing is not waited for");
            let mut waiting = Box::pin(flights.turn(&1));
            assert!((&mut waiting).now_or_never().is_none());
            match outcome.clone() {
                Some(outcome) => flight.land(outcome),
                None => drop(flight),
            }
            match (waiting.await, outcome) {
                (Turn::Landed(found), Some(outcome)) => assert_eq!(found, outcome),
                (Turn::Lead(_), None) => {}
                (_, outcome) => panic!("{outcome:?}"),
            }
        }
        assert!(lock(&flights.0).is_empty());
    }
}
