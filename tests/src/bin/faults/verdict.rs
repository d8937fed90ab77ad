//! What a run has proved: the promises, each held against what the processes said and what is there afterwards.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use event_api::consume::MemoryCheckpoints;
use event_api::{Context, Handler, HandlerError, HandlerResult, feed};

use super::accounts::AccountsEvents;
use super::ledger::{Ledger, Published};
use super::line::Line;
use super::publisher::{Way, event, parse_id};
use super::setup::{Failure, Setup};

/// An event in the feed.
#[derive(Clone, Debug)]
pub(crate) struct InFeed {
    id: String,
    position: u64,
    /// Whether it says what the event with its id says.
    genuine: bool,
}

/// Reads the feed from its beginning, over HTTP.
pub(crate) async fn read_feed(setup: &Setup) -> Result<Vec<InFeed>, Failure> {
    let read = Arc::<Mutex<Vec<InFeed>>>::default();
    let url = setup.feed_url(AccountsEvents::CHANNEL.name);
    feed::Consumer::new(url, MemoryCheckpoints::new()).run_until_caught_up(Reader(Arc::clone(&read))).await?;
    let read = std::mem::take(&mut *read.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(read)
}

struct Reader(Arc<Mutex<Vec<InFeed>>>);

impl Handler for Reader {
    type Events = AccountsEvents;

    async fn handle(&self, received: AccountsEvents, cx: &Context) -> HandlerResult {
        let id = cx.id.to_string();
        let position = cx.position.ok_or_else(|| HandlerError::reject("the feed tells no position"))?.0;
        let genuine = matches!(received, AccountsEvents::NameChanged(received) if received == event(&id));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(InFeed { id, position, genuine });
        Ok(())
    }
}

/// All that is known of a run.
pub(crate) struct Evidence<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) feed: &'a [InFeed],
    /// The rows that were written in the transactions of events.
    pub(crate) rows: Vec<String>,
    /// What handlers did in their transactions, by way.
    pub(crate) effects: [(&'static str, Vec<String>); 2],
    /// Whether all consumers came to the end, or what was missing.
    pub(crate) caught_up: Result<(), String>,
}

/// The promises that were broken, in words. What was kept is printed.
pub(crate) fn judge(evidence: &Evidence<'_>) -> Vec<String> {
    let mut violations = Violations::default();
    let feed = evidence.feed;
    let positions: HashMap<&str, u64> = feed.iter().map(|event| (event.id.as_str(), event.position)).collect();
    violations.each("the driver understands what processes say", evidence.ledger.nonsense.iter().cloned());
    violations.each("consumers come to the end of the feed", evidence.caught_up.clone().err());

    // The feed itself.
    let misplaced = feed.iter().zip(0..).filter(|(event, place)| event.position != *place);
    violations.each(
        "positions are dense and in order",
        misplaced.map(|(event, place)| format!("{} at {} in place {place}", event.id, event.position)),
    );
    if positions.len() < feed.len() {
        violations.add("no event is twice in the feed", format!("{} events, {} ids", feed.len(), positions.len()));
    }
    let forged = feed.iter().filter(|event| !event.genuine);
    violations.each("events are what was published", forged.map(|event| event.id.clone()));
    violations.each("the events of a writer are in its order", out_of_order(feed));

    // The feed and its publishers.
    let publishers = evidence.ledger.publishers();
    let intended: HashSet<&str> = publishers.iter().flat_map(Published::intended).map(String::as_str).collect();
    let unknown = feed.iter().filter(|event| !intended.contains(event.id.as_str()));
    violations.each("only what was published is in the feed", unknown.map(|event| event.id.clone()));
    let rolled_back = feed.iter().filter(|event| Way::of(&event.id) == Some(Way::RolledBack));
    violations.each("what was rolled back is not in the feed", rolled_back.map(|event| event.id.clone()));
    let mut acknowledged = HashSet::new();
    for (id, told) in publishers.iter().flat_map(Published::acknowledged) {
        acknowledged.insert(id.as_str());
        match (positions.get(id.as_str()), told) {
            (None, _) => violations.add("what was acknowledged is in the feed", id.clone()),
            (Some(position), Some(told)) if position != told => {
                violations.add("events stand where receipts say", format!("{id} at {position} instead of {told}"));
            }
            _ => {}
        }
    }
    let overtaken = publishers.iter().flat_map(|published| overtaken(published, &positions));
    violations.each("what was acknowledged before stands before", overtaken);
    let rows: HashSet<&str> = evidence.rows.iter().map(String::as_str).collect();
    let within: HashSet<&str> = positions.keys().copied().filter(|id| Way::of(id) == Some(Way::Transaction)).collect();
    violations.each(
        "an event is there if and only if its transaction's row is",
        rows.symmetric_difference(&within).map(|id| (*id).to_owned()),
    );

    // The feed and its consumers.
    for (way, effects) in &evidence.effects {
        let differs = feed.iter().zip(effects).find(|(event, effect)| event.id != **effect);
        let promise = format!("effects by {way} are exactly once, in order");
        if let Some((event, effect)) = differs {
            let text = format!("{effect} instead of {} at position {}", event.id, event.position);
            violations.add(&promise, text);
        }
        if feed.len() != effects.len() {
            violations.add(&promise, format!("{} effects of {} events", effects.len(), feed.len()));
        }
    }
    let handled: HashSet<&str> = evidence.ledger.handled.iter().flatten().map(|(id, _)| id.as_str()).collect();
    let missed = feed.iter().filter(|event| !handled.contains(event.id.as_str()));
    violations.each("every event is handled at least once", missed.map(|event| event.id.clone()));
    violations.each("handling goes on where it was, in order", skipped(&evidence.ledger.handled));

    let calls: usize = evidence.ledger.handled.iter().map(Vec::len).sum();
    println!("published: {} events, {} of them acknowledged", feed.len(), acknowledged.len());
    println!(
        "    {} in transactions of the publisher, {} published again after a kill before the acknowledgement",
        within.len(),
        evidence.ledger.in_doubt
    );
    println!(
        "consumed: {} effects by the feed, {} by webhooks",
        evidence.effects[0].1.len(),
        evidence.effects[1].1.len()
    );
    println!("    without a transaction {calls} calls, {} of them again", calls.saturating_sub(handled.len()));
    violations.texts
}

/// Broken promises, with an example each.
#[derive(Debug, Default)]
struct Violations {
    texts: Vec<String>,
    counts: HashMap<String, usize>,
}

impl Violations {
    /// Of the cases of one promise, the first few are told.
    const TOLD: usize = 3;

    fn add(&mut self, promise: &str, case: String) {
        let count = self.counts.entry(promise.to_owned()).or_default();
        *count += 1;
        if *count <= Self::TOLD {
            self.texts.push(format!("{promise}: {case}"));
        }
    }

    fn each(&mut self, promise: &str, cases: impl IntoIterator<Item = String>) {
        cases.into_iter().for_each(|case| self.add(promise, case));
    }
}

/// Events of a writer before which a later one of it stands.
fn out_of_order(feed: &[InFeed]) -> Vec<String> {
    let mut last: HashMap<&str, u64> = HashMap::new();
    let mut found = Vec::new();
    for (writer, number, id) in feed.iter().filter_map(|event| {
        let (writer, number) = parse_id(&event.id)?;
        Some((writer, number, &event.id))
    }) {
        if last.insert(writer, number).is_some_and(|last| last >= number) {
            found.push(id.clone());
        }
    }
    found
}

/// Events that stand before one that was acknowledged before they were thought of.
fn overtaken(published: &Published, positions: &HashMap<&str, u64>) -> Vec<String> {
    let mut acknowledged: Option<u64> = None;
    let mut found = Vec::new();
    for fact in &published.facts {
        match fact {
            Line::Intend(ids) => {
                let places = ids.iter().filter_map(|id| Some((id, *positions.get(id.as_str())?)));
                let early = places.filter(|(_, place)| acknowledged.is_some_and(|known| *place < known));
                found.extend(early.map(|(id, place)| format!("{id} at {place}, after {acknowledged:?} was told")));
            }
            Line::Acknowledge(receipts) => {
                let places = receipts.iter().filter_map(|(id, _)| positions.get(id.as_str()).copied());
                acknowledged = acknowledged.into_iter().chain(places).max();
            }
            Line::Handled { .. } => {}
        }
    }
    found
}

/// Where a consumer passed over something, within a life or from one to the next.
fn skipped(lives: &[Vec<(String, u64)>]) -> Vec<String> {
    let mut end = 0;
    let mut found = Vec::new();
    for life in lives {
        let mut last: Option<u64> = None;
        for (id, position) in life {
            let expected = match last {
                // A new life may repeat, and must not skip.
                None => (*position).min(end),
                Some(last) => last + 1,
            };
            if *position != expected {
                found.push(format!("{id} at {position} instead of {expected}"));
            }
            last = Some(*position);
            end = end.max(position + 1);
        }
    }
    found
}
