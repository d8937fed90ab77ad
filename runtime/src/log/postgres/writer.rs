//! How Postgres commits a group of appends: under the log's lock, with final positions.
//!
//! Most groups hold only new events, and are committed in one round trip ([`new_rows`]). Otherwise, such as when an id
//! is there, the group is planned by what is stored under its ids.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::postgres::{PgConnection, Postgres};

use super::super::LogError;
use super::super::group::{Commit, Failure, Outcome, Patience, Request};
use super::super::held::Held;
use super::super::same::same_content;
use super::super::sql::storage;
use super::super::wake::Wake;
use super::failure::{failure, in_time, insertion};
use super::insert::{self, NewRow};
use super::new_rows;
use super::row::{self, Found};
use super::sequencer::{Sequencer, Slots};
use crate::event::{Position, RawEvent};
use crate::publish::Receipt;

/// How often a group is planned anew. Each time, a caller's transaction must have committed one of the group's ids in
/// the moment between looking and writing.
const ATTEMPTS: usize = 8;

/// Where groups are committed, and who is told of it.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) connection: Held<Postgres>,
    pub(super) sequencer: Sequencer,
    pub(super) wake: Arc<Wake>,
}

#[async_trait]
impl Commit for Database {
    async fn commit(&mut self, group: &[Request], patience: Patience) -> Result<Vec<Outcome>, Failure> {
        // After an error it is closed: the first message of the transaction has several statements, of which sqlx cannot
        // know how far they came.
        let mut connection = self.connection.take().await?;
        let outcome = self.commit_on(&mut connection, group, patience).await;
        self.connection.put_back(connection, &outcome);
        outcome
    }

    fn rest(&mut self) {
        self.connection.give_back();
    }
}

impl Database {
    async fn commit_on(
        &self,
        connection: &mut PgConnection,
        group: &[Request],
        patience: Patience,
    ) -> Result<Vec<Outcome>, Failure> {
        let new = in_time(new_rows::commit(connection, &self.sequencer, group)).await;
        match new.map_err(late)? {
            Ok(Some(committed)) => {
                for (channel, next) in committed.grown {
                    self.wake.advance(channel, next);
                }
                return Ok(committed.receipts.into_iter().map(Ok).collect());
            }
            Ok(None) => {}
            Err(Failure::One(LogError::IdUndecided { .. })) if patience == Patience::Long => {}
            Err(failure) => return Err(failure),
        }
        self.commit_planned(connection, group, patience).await
    }

    /// Commits the group by what is stored under its ids.
    async fn commit_planned(
        &self,
        connection: &mut PgConnection,
        group: &[Request],
        patience: Patience,
    ) -> Result<Vec<Outcome>, Failure> {
        let channels: HashSet<&str> = group.iter().map(|request| request.channel.as_str()).collect();
        let channels: Vec<&str> = channels.into_iter().collect();
        let mut attempts = 0;
        while attempts < ATTEMPTS {
            let attempt = in_time(self.attempt(connection, &channels, group, patience)).await;
            match attempt.map_err(late)?? {
                Attempt::Committed(outcomes) => return Ok(outcomes),
                // What was committed before these appends stands before them, however much it is.
                Attempt::Behind => {}
                Attempt::Overtaken => attempts += 1,
            }
        }
        Err(Failure::One(LogError::Storage(Box::new(Contended))))
    }

    async fn attempt(
        &self,
        connection: &mut PgConnection,
        channels: &[&str],
        group: &[Request],
        patience: Patience,
    ) -> Result<Attempt, Failure> {
        let together = |error| Failure::Together(storage(error));
        let mut transaction = self.sequencer.begin(connection).await.map_err(Failure::Together)?;
        let mut slots = self.sequencer.slots(&mut transaction, channels).await.map_err(Failure::Together)?;
        if slots.values().any(|slot| slot.more) {
            self.sequencer.grow(&mut transaction, &slots).await.map_err(Failure::Together)?;
            transaction.commit().await.map_err(together)?;
            return Ok(Attempt::Behind);
        }
        let stored = stored(&mut transaction, group).await.map_err(failure)?;
        // Committed by a caller since the positions were given: the next look will find a position there.
        let settled = stored.iter().all(|found| found.position.is_some());
        let stored = stored.iter().map(|found| ((&*found.channel, found.event.metadata.id.as_str()), found)).collect();
        let plan = Plan::new(group, &mut slots, &stored);
        // First the channels, whose rows are a matter of the log alone.
        self.sequencer.grow(&mut transaction, &slots).await.map_err(Failure::Together)?;
        if settled && insert(&mut transaction, &plan.rows, patience).await? {
            transaction.commit().await.map_err(together)?;
            for (channel, slot) in &slots {
                self.wake.advance(channel, slot.next);
            }
            return Ok(Attempt::Committed(plan.outcomes));
        }
        transaction.rollback().await.map_err(together)?;
        Ok(Attempt::Overtaken)
    }
}

fn late(error: sqlx::Error) -> Failure {
    Failure::Together(storage(error))
}

/// What came of one transaction for a group.
enum Attempt {
    Committed(Vec<Outcome>),
    /// Earlier events have got positions, and there may be more of them.
    Behind,
    /// A caller's transaction has committed one of the ids meanwhile.
    Overtaken,
}

/// From here on, all that is waited for is a transaction that has inserted one of the ids, and has not ended. Everybody
/// else waits meanwhile, so it must end soon.
const SOON: &str = "LOCK TABLE event_api_events IN ROW EXCLUSIVE MODE; SET LOCAL lock_timeout = '200ms'";
/// As soon as in `append_new.sql`.
const AT_ONCE: &str = "LOCK TABLE event_api_events IN ROW EXCLUSIVE MODE; SET LOCAL lock_timeout = '10ms'";
/// As before: the commit waits for that of any transaction of the server that notifies, until its disk has answered.
const AT_LEISURE: &str = "SET LOCAL lock_timeout = '30s'";

/// Inserts the rows; whether none of them was there.
async fn insert(connection: &mut PgConnection, rows: &[NewRow<'_>], patience: Patience) -> Result<bool, Failure> {
    let Some(first) = rows.first() else { return Ok(true) };
    let limit = match patience {
        Patience::Long => SOON,
        Patience::Short => AT_ONCE,
    };
    sqlx::raw_sql(limit).execute(&mut *connection).await.map_err(|error| failure(storage(error)))?;
    let inserted = insert::unless_there(connection, rows).await.map_err(|error| insertion(error, first.channel))?;
    sqlx::raw_sql(AT_LEISURE).execute(connection).await.map_err(|error| failure(storage(error)))?;
    Ok(inserted == rows.len() as u64)
}

/// The ids of a group are appended by others again and again, at the same time.
#[derive(Debug, thiserror::Error)]
#[error("other transactions kept appending the same event ids, and removing them; append again")]
struct Contended;

/// An event's channel and id.
type Key<'a> = (&'a str, &'a str);

fn key(request: &Request, index: usize) -> Key<'_> {
    (&request.channel, request.events[index].metadata.id.as_str())
}

/// What is stored under the ids of a group.
async fn stored(connection: &mut PgConnection, group: &[Request]) -> Result<Vec<Found>, LogError> {
    let keys: HashSet<Key<'_>> =
        group.iter().flat_map(|request| (0..request.events.len()).map(move |index| key(request, index))).collect();
    let (channels, ids): (Vec<&str>, Vec<&str>) = keys.into_iter().unzip();
    row::by_ids(connection, &channels, &ids).await
}

/// What is written for a group, and what its requests are answered if it is.
struct Plan<'a> {
    rows: Vec<NewRow<'a>>,
    outcomes: Vec<Outcome>,
}

impl<'a> Plan<'a> {
    /// Plans the group by what is `stored` under its ids. A request with an id that stands for another event is refused,
    /// and nothing of it is written.
    fn new(group: &'a [Request], slots: &mut Slots<'_>, stored: &HashMap<Key<'_>, &Found>) -> Self {
        let mut new: HashMap<Key<'a>, (Position, &'a RawEvent)> = HashMap::with_capacity(group.len());
        let mut plan = Plan { rows: Vec::with_capacity(group.len()), outcomes: Vec::with_capacity(group.len()) };
        for request in group {
            let before = (plan.rows.len(), slots.get(request.channel.as_str()).copied());
            let outcome = plan.request(request, slots, stored, &mut new);
            if outcome.is_err() {
                let (rows, slot) = before;
                for row in plan.rows.drain(rows..) {
                    new.remove(&(row.channel, row.event.metadata.id.as_str()));
                }
                if let (Some(slot), Some(before)) = (slots.get_mut(request.channel.as_str()), slot) {
                    *slot = before;
                }
            }
            plan.outcomes.push(outcome);
        }
        plan
    }

    fn request(
        &mut self,
        request: &'a Request,
        slots: &mut Slots<'_>,
        stored: &HashMap<Key<'_>, &Found>,
        new: &mut HashMap<Key<'a>, (Position, &'a RawEvent)>,
    ) -> Outcome {
        let channel = request.channel.as_str();
        let slot = slots.get_mut(channel).ok_or(LogError::NoReceipt)?;
        let mut receipts = Vec::with_capacity(request.events.len());
        for (index, event) in request.events.iter().enumerate() {
            let key = key(request, index);
            let first = match (new.get(&key), stored.get(&key)) {
                (Some((position, first)), _) => Some((Some(*position), *first)),
                (None, Some(found)) => Some((found.position, &found.event)),
                (None, None) => None,
            };
            let position = match first {
                Some((position, first)) if same_content(first, event) => position,
                Some(_) => {
                    let id = event.metadata.id.clone();
                    return Err(LogError::IdReused { channel: channel.to_owned(), id });
                }
                None => {
                    let position = slot.take(event.data.get().len());
                    new.insert(key, (position, event));
                    self.rows.push(NewRow { channel, position: Some(position), event });
                    Some(position)
                }
            };
            receipts.push(Receipt::new(event.metadata.id.clone(), position));
        }
        Ok(receipts)
    }
}
