//! Subscriptions that last as long as the process: for tests and demonstrations.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::Utc;
use tokio::sync::watch;

use super::{Cursor, DeadLetter, Status, Subscription, SubscriptionId, Subscriptions};
use crate::consume::StoreError;
use crate::event::Position;

/// Subscriptions in memory. Handles are cheap to clone and share their content.
#[derive(Clone, Debug, Default)]
pub struct MemorySubscriptions {
    state: Arc<Mutex<State>>,
    changes: Arc<watch::Sender<()>>,
}

#[derive(Debug, Default)]
struct State {
    subscriptions: BTreeMap<SubscriptionId, Entry>,
    buried: u64,
}

#[derive(Debug)]
struct Entry {
    subscription: Subscription,
    cursors: HashMap<String, Cursor>,
    dead_letters: BTreeMap<u64, DeadLetter>,
}

impl MemorySubscriptions {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// No method leaves the state half changed, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Subscriptions for MemorySubscriptions {
    async fn create(&self, subscription: &Subscription, cursors: &[(&str, Position)]) -> Result<(), StoreError> {
        let cursors = cursors.iter().map(|(channel, position)| ((*channel).to_owned(), Cursor::at(*position)));
        let entry =
            Entry { subscription: subscription.clone(), cursors: cursors.collect(), dead_letters: BTreeMap::new() };
        self.state().subscriptions.insert(subscription.id.clone(), entry);
        self.changes.send_replace(());
        Ok(())
    }

    async fn get(&self, id: &SubscriptionId) -> Result<Option<Subscription>, StoreError> {
        Ok(self.state().subscriptions.get(id).map(|entry| entry.subscription.clone()))
    }

    async fn list(&self, after: Option<&SubscriptionId>, limit: usize) -> Result<Vec<Subscription>, StoreError> {
        let state = self.state();
        let entries = state.subscriptions.iter().filter(|(id, _)| after.is_none_or(|after| *id > after));
        Ok(entries.take(limit).map(|(_, entry)| entry.subscription.clone()).collect())
    }

    async fn delete(&self, id: &SubscriptionId) -> Result<bool, StoreError> {
        let removed = self.state().subscriptions.remove(id).is_some();
        self.changes.send_replace(());
        Ok(removed)
    }

    async fn disable(&self, id: &SubscriptionId, reason: &str) -> Result<(), StoreError> {
        if let Some(entry) = self.state().subscriptions.get_mut(id)
            && entry.subscription.status == Status::Active
        {
            entry.subscription.status = Status::Disabled { at: Utc::now(), reason: reason.to_owned() };
        }
        self.changes.send_replace(());
        Ok(())
    }

    async fn cursors(&self, id: &SubscriptionId) -> Result<Vec<(String, Cursor)>, StoreError> {
        let state = self.state();
        let cursors = state.subscriptions.get(id).into_iter().flat_map(|entry| &entry.cursors);
        Ok(cursors.map(|(channel, cursor)| (channel.clone(), cursor.clone())).collect())
    }

    async fn advance(&self, id: &SubscriptionId, channel: &str, cursor: &Cursor) -> Result<(), StoreError> {
        if let Some(entry) = self.state().subscriptions.get_mut(id) {
            entry.cursors.insert(channel.to_owned(), cursor.clone());
        }
        Ok(())
    }

    async fn bury(&self, letter: &DeadLetter) -> Result<(), StoreError> {
        let mut state = self.state();
        let number = state.buried + 1;
        if let Some(entry) = state.subscriptions.get_mut(&letter.subscription) {
            entry.cursors.insert(letter.channel.clone(), Cursor::at(letter.last.next()));
            entry.dead_letters.insert(number, letter.clone());
            state.buried = number;
        }
        Ok(())
    }

    async fn dead_letters(
        &self,
        id: &SubscriptionId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, DeadLetter)>, StoreError> {
        let state = self.state();
        let letters = state.subscriptions.get(id).into_iter().flat_map(|entry| &entry.dead_letters);
        let letters = letters.filter(|(number, _)| after.is_none_or(|after| **number > after));
        Ok(letters.take(limit).map(|(number, letter)| (*number, letter.clone())).collect())
    }

    fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }
}
