//! Where the events of a group will stand that are all taken to be new: so far behind the end of their channel, which the
//! database tells.
//!
//! In: the appends of a group. Out: how far each channel grows and where in this each event stands; then, from where the
//! channels end, the receipts.

use std::collections::HashMap;

use super::LogError;
use super::group::Request;
use super::sql::from_sql;
use crate::event::{Position, RawEvent};
use crate::publish::Receipt;

/// The events of a group, in the order of its appends.
#[derive(Debug)]
pub(super) struct Placement<'a> {
    group: &'a [Request],
    pub(super) channels: Vec<Growth<'a>>,
    pub(super) rows: Vec<Place<'a>>,
}

/// What is appended to a channel.
#[derive(Debug)]
pub(super) struct Growth<'a> {
    pub(super) channel: &'a str,
    pub(super) events: i64,
    /// Of payload.
    pub(super) bytes: i64,
}

/// An event, and which of the new ones of its channel it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// Index of the channel.
    pub(super) channel: usize,
    /// From 0.
    pub(super) index: i64,
    pub(super) event: &'a RawEvent,
}

/// What was committed.
#[derive(Debug)]
pub(super) struct Committed<'a> {
    /// Of each request.
    pub(super) receipts: Vec<Vec<Receipt>>,
    /// The channels that have grown, and their next positions.
    pub(super) grown: Vec<(&'a str, Position)>,
}

impl<'a> Placement<'a> {
    pub(super) fn new(group: &'a [Request]) -> Self {
        let mut indexes = HashMap::new();
        let mut channels: Vec<Growth<'a>> = Vec::new();
        let mut rows = Vec::with_capacity(group.len());
        for request in group.iter().filter(|request| !request.events.is_empty()) {
            let index = *indexes.entry(request.channel.as_str()).or_insert_with(|| {
                channels.push(Growth { channel: &request.channel, events: 0, bytes: 0 });
                channels.len() - 1
            });
            let growth = &mut channels[index];
            for event in &request.events {
                rows.push(Place { channel: index, index: growth.events, event });
                growth.events += 1;
                growth.bytes = growth.bytes.saturating_add(i64::try_from(event.data.get().len()).unwrap_or(i64::MAX));
            }
        }
        Placement { group, channels, rows }
    }

    /// What is answered when the channels have grown, and now end at `ends`.
    pub(super) fn committed(self, ends: &[i64]) -> Result<Committed<'a>, LogError> {
        let grown = self.channels.iter().zip(ends).map(|(growth, end)| Ok((growth.channel, from_sql(*end)?)));
        let grown = grown.collect::<Result<_, LogError>>()?;
        let begins: Vec<i64> = self.channels.iter().zip(ends).map(|(growth, end)| end - growth.events).collect();
        let mut receipts = self.rows.iter().map(|row| {
            let begin = begins.get(row.channel).ok_or(LogError::NoReceipt)?;
            Ok(Receipt::new(row.event.metadata.id.clone(), Some(from_sql(begin + row.index)?)))
        });
        let receipts = self.group.iter().map(|request| receipts.by_ref().take(request.events.len()).collect());
        let receipts = receipts.collect::<Result<_, LogError>>()?;
        Ok(Committed { receipts, grown })
    }
}
