//! What the processes of a run have said, kept by the driver, which is never killed.

use std::collections::{BTreeSet, HashSet};

use super::line::Line;
use super::publisher::{WRITERS, Way, parse_id, writer_name};
use super::setup::Role;

/// All that was said.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    publishers: Vec<Published>,
    /// Of each consuming process, in the order of their starts.
    pub(crate) handled: Vec<Vec<(String, u64)>>,
    /// Events of which a publisher was killed before it was told that they are there, counted at each kill.
    pub(crate) in_doubt: usize,
    /// Lines that nobody understood.
    pub(crate) nonsense: Vec<String>,
}

/// What one publisher, in all its lives, has said.
#[derive(Debug, Default)]
pub(crate) struct Published {
    /// Intentions and acknowledgements, in their order.
    pub(crate) facts: Vec<Line>,
    open: BTreeSet<String>,
    next: [u64; WRITERS],
}

impl Ledger {
    pub(crate) fn new(publishers: usize) -> Self {
        Ledger { publishers: (0..publishers).map(|_| Published::default()).collect(), ..Self::default() }
    }

    /// A process has begun to speak.
    pub(crate) fn start(&mut self, role: Role) {
        if role == Role::Consumer {
            self.handled.push(Vec::new());
        }
    }

    /// A process has said something.
    pub(crate) fn take(&mut self, number: usize, line: &str) {
        match line.parse() {
            Ok(Line::Handled { id, position }) => match self.handled.last_mut() {
                Some(handled) => handled.push((id, position)),
                None => self.nonsense.push(line.to_owned()),
            },
            Ok(fact) => match self.publishers.get_mut(number) {
                Some(published) => published.take(number, fact),
                None => self.nonsense.push(line.to_owned()),
            },
            Err(error) => self.nonsense.push(error),
        }
    }

    /// What the publishers have said.
    pub(crate) fn publishers(&self) -> &[Published] {
        &self.publishers
    }

    /// How the next life of a publisher begins: the next number of each writer, and the events that may or may not have
    /// been published.
    pub(crate) fn resume(&mut self, number: usize) -> (Vec<u64>, Vec<String>) {
        let Some(published) = self.publishers.get(number) else { return Default::default() };
        self.in_doubt += published.open.len();
        (published.next.to_vec(), published.open.iter().cloned().collect())
    }

    /// How many different events were handled by the consumer without a transaction.
    pub(crate) fn distinct_handled(&self) -> usize {
        self.handled.iter().flatten().map(|(id, _)| id).collect::<HashSet<_>>().len()
    }
}

impl Published {
    fn take(&mut self, number: usize, fact: Line) {
        match &fact {
            Line::Intend(ids) => {
                for id in ids {
                    if let Some((writer, index)) = parse_id(id)
                        && let Some(place) = (0..WRITERS).find(|place| writer_name(number, *place) == writer)
                    {
                        self.next[place] = self.next[place].max(index + 1);
                    }
                    if Way::of(id) != Some(Way::RolledBack) {
                        self.open.insert(id.clone());
                    }
                }
            }
            Line::Acknowledge(receipts) => {
                for (id, _) in receipts {
                    self.open.remove(id);
                }
            }
            Line::Handled { .. } => {}
        }
        self.facts.push(fact);
    }

    /// All events that it was about to append.
    pub(crate) fn intended(&self) -> impl Iterator<Item = &String> {
        fn ids(fact: &Line) -> &[String] {
            if let Line::Intend(ids) = fact { ids } else { &[] }
        }
        self.facts.iter().flat_map(ids)
    }

    /// All acknowledgements.
    pub(crate) fn acknowledged(&self) -> impl Iterator<Item = &(String, Option<u64>)> {
        fn receipts(fact: &Line) -> &[(String, Option<u64>)] {
            if let Line::Acknowledge(receipts) = fact { receipts } else { &[] }
        }
        self.facts.iter().flat_map(receipts)
    }
}
