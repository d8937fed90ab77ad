//! The publishing process: several writers at once, each of which appends one event after the other in all the ways that
//! there are, says what it is about to append, and what was acknowledged.
//!
//! An event is what its id says, so that a later process can publish it again when this one was killed in between.

use std::time::Duration;

use event_api::log::{Append, Log, PostgresLog, SqliteLog};
use event_api::{Envelope, Metadata, Publisher, RawEvent, Receipt};
use rand::Rng as _;

use super::accounts::{AccountsEvents, NameChanged};
use super::line::Line;
use super::setup::{Database, Failure, Sabotage, Setup, asked_to_end};

/// How many writers a process has.
pub(crate) const WRITERS: usize = 4;

/// The longest pause between two appends of a writer. Without pauses, the consumers would only see a backlog.
const PAUSE_MS: u64 = 150;

/// The name of a writer, with which the ids of its events begin.
pub(crate) fn writer_name(publisher: usize, writer: usize) -> String {
    format!("p{publisher}w{writer}")
}

/// How an event is appended: the last letter of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Alone,
    /// Together with others.
    Batch,
    /// In a transaction, beside a row of the service.
    Transaction,
    /// In a transaction that is rolled back: it must never be seen.
    RolledBack,
}

impl Way {
    fn letter(self) -> char {
        match self {
            Way::Alone => 'a',
            Way::Batch => 'b',
            Way::Transaction => 't',
            Way::RolledBack => 'x',
        }
    }

    /// The way of the event with this id.
    pub(crate) fn of(id: &str) -> Option<Self> {
        let ways = [Way::Alone, Way::Batch, Way::Transaction, Way::RolledBack];
        ways.into_iter().find(|way| id.ends_with(way.letter()))
    }
}

/// The writer and the number of an event.
pub(crate) fn parse_id(id: &str) -> Option<(&str, u64)> {
    let (writer, rest) = id.split_once('-')?;
    Some((writer, rest.trim_end_matches(|last: char| last.is_ascii_alphabetic()).parse().ok()?))
}

/// The event with this id.
pub(crate) fn event(id: &str) -> NameChanged {
    NameChanged::new(id.to_owned(), "Johanna Überacker".to_owned(), format!("Johanna {id}"))
}

fn subject(id: &str) -> String {
    format!("/users/{}", parse_id(id).map_or(id, |(writer, _)| writer))
}

/// Publishes until it is asked to end.
pub(crate) async fn run(setup: &Setup, number: usize, next: &[u64], again: &[String]) -> Result<(), Failure> {
    let database = setup.database("log").await?;
    let outbox = match &database {
        Database::Sqlite(pool) => Outbox::Sqlite(SqliteLog::with_pool(pool.clone()).await?),
        Database::Postgres(pool) => Outbox::Postgres(PostgresLog::with_pool(pool.clone()).await?),
    };
    let publisher = match &outbox {
        Outbox::Sqlite(log) => AccountsEvents::publisher(log),
        Outbox::Postgres(log) => AccountsEvents::publisher(log),
    };
    // What an earlier process was killed over comes first: nothing of a writer overtakes its own events.
    for id in again {
        Writer { outbox: outbox.clone(), publisher: publisher.clone(), sabotage: setup.sabotage }.again(id).await?;
    }
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let name = writer_name(number, writer);
        let next = next.get(writer).copied().unwrap_or(0);
        let writer = Writer { outbox: outbox.clone(), publisher: publisher.clone(), sabotage: setup.sabotage };
        writers.spawn(async move { writer.run(&name, next).await });
    }
    while let Some(ended) = writers.join_next().await {
        ended??;
    }
    Ok(())
}

/// The log, with the transactions of its database.
#[derive(Clone)]
enum Outbox {
    Sqlite(SqliteLog),
    Postgres(PostgresLog),
}

impl Outbox {
    async fn append(&self, events: Vec<RawEvent>) -> Result<Vec<Receipt>, Failure> {
        let channel = AccountsEvents::CHANNEL.name;
        Ok(match self {
            Outbox::Sqlite(log) => Log::append(log, channel, events).await?,
            Outbox::Postgres(log) => Log::append(log, channel, events).await?,
        })
    }
}

struct Writer {
    outbox: Outbox,
    publisher: Publisher<AccountsEvents>,
    sabotage: Sabotage,
}

impl Writer {
    async fn run(&self, name: &str, mut next: u64) -> Result<(), Failure> {
        while !asked_to_end() {
            let (way, count) = match rand::rng().random_range(0..20) {
                0..13 => (Way::Alone, 1),
                13..16 => (Way::Batch, rand::rng().random_range(2..6)),
                16..19 => (Way::Transaction, 1),
                _ => (Way::RolledBack, 1),
            };
            let ids: Vec<String> =
                (next..next + count).map(|number| format!("{name}-{number:06}{}", way.letter())).collect();
            next += count;
            Line::Intend(ids.clone()).say()?;
            if self.sabotage == Sabotage::AcknowledgeEarly && way != Way::RolledBack {
                Line::Acknowledge(ids.iter().map(|id| (id.clone(), None)).collect()).say()?;
            }
            self.publish(way, &ids).await?;
            let pause = rand::rng().random_range(0..PAUSE_MS);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        Ok(())
    }

    /// Publishes an event of which it is not known whether it was published.
    async fn again(&self, id: &str) -> Result<(), Failure> {
        match Way::of(id) {
            Some(Way::RolledBack) | None => Ok(()),
            Some(way) => self.publish(way, &[id.to_owned()]).await,
        }
    }

    async fn publish(&self, way: Way, ids: &[String]) -> Result<(), Failure> {
        let receipts = match way {
            Way::Alone | Way::Batch if ids.len() == 1 => {
                let publisher = self.publisher.id(ids[0].as_str()).subject(subject(&ids[0]));
                vec![publisher.publish(event(&ids[0])).await?]
            }
            Way::Alone | Way::Batch => {
                self.outbox.append(ids.iter().map(|id| raw(id)).collect::<Result<_, _>>()?).await?
            }
            Way::Transaction => vec![self.within(&ids[0], End::Commit).await?],
            Way::RolledBack => {
                self.within(&ids[0], End::Rollback).await?;
                return Ok(());
            }
        };
        let receipts = receipts.into_iter().map(|receipt| (receipt.id.to_string(), receipt.position.map(|at| at.0)));
        Ok(Line::Acknowledge(receipts.collect()).say()?)
    }

    /// Publishes in a transaction that writes a row, too.
    async fn within(&self, id: &str, end: End) -> Result<Receipt, Failure> {
        // Where the event was published before, the row is there.
        let sql = "INSERT INTO rows (id) VALUES ($1) ON CONFLICT DO NOTHING";
        let publisher = self.publisher.id(id).subject(subject(id));
        Ok(match &self.outbox {
            Outbox::Sqlite(log) => {
                let mut tx = log.begin().await?;
                sqlx::query(sql).bind(id).execute(&mut *tx).await?;
                let receipt = publish_within(&publisher, &mut tx, id).await?;
                match end {
                    End::Commit => tx.commit().await?,
                    End::Rollback => tx.rollback().await?,
                }
                log.wake();
                receipt
            }
            Outbox::Postgres(log) => {
                let mut tx = log.pool().begin().await?;
                sqlx::query(sql).bind(id).execute(&mut *tx).await?;
                let receipt = publish_within(&publisher, &mut tx, id).await?;
                // Transactions of several writers overlap, and commit in another order than they appended in.
                let pause = rand::rng().random_range(0..5);
                tokio::time::sleep(Duration::from_millis(pause)).await;
                match end {
                    End::Commit => tx.commit().await?,
                    End::Rollback => tx.rollback().await?,
                }
                log.wake();
                receipt
            }
        })
    }
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Commit,
    Rollback,
}

async fn publish_within(
    publisher: &Publisher<AccountsEvents>,
    transaction: &mut dyn Append,
    id: &str,
) -> Result<Receipt, Failure> {
    Ok(publisher.within(transaction).publish(event(id)).await?)
}

fn raw(id: &str) -> Result<RawEvent, serde_json::Error> {
    let mut metadata = Metadata::new("");
    metadata.id = id.into();
    metadata.subject = Some(subject(id));
    Envelope { metadata, event: AccountsEvents::from(event(id)) }.into_raw()
}
