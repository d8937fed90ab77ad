//! Why consuming stopped. What can pass by itself never stops it, and is not here.

use std::error::Error;

use crate::event::{EventId, Position};
use crate::log::LogError;

/// The storage of checkpoints or dead letters failed.
#[derive(Debug, thiserror::Error)]
#[error("{doing} failed")]
pub struct StoreError {
    doing: String,
    #[source]
    source: Box<dyn Error + Send + Sync>,
}

impl StoreError {
    /// `doing` says what was attempted: "storing the checkpoint of consumer mailer".
    pub fn new(doing: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        StoreError { doing: doing.into(), source: source.into() }
    }
}

/// Why a consumer stopped. Its checkpoint is at the last event that was completed, so it can be started again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsumeError {
    /// A URL cannot be used.
    #[error("the feed URL {url:?} cannot be used: {reason}")]
    Url {
        /// The URL.
        url: String,
        /// Why not.
        reason: String,
    },
    /// A setting cannot be used.
    #[error("the consumer is not set up: {0}")]
    Setup(String),
    /// The server answers that it will not serve the feed: not found, not authorised, and the like.
    #[error("{url} answered {status}: {detail}; correct the URL or the credentials and start again")]
    Refused {
        /// The URL that was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What the server says about it, from its problem document (RFC 9457) where it sent one.
        detail: String,
    },
    /// A page is larger than the consumer takes, and will be so when it is asked for again.
    #[error(
        "the page at {url} is larger than the {limit} bytes of `page_limit`; raise `page_limit`, or have the \
         publisher serve smaller pages, and start again"
    )]
    PageTooLarge {
        /// The page.
        url: String,
        /// How many bytes it may have.
        limit: usize,
    },
    /// The feed leads away from where it may be read.
    #[error("{from} leads to {to}, which is not followed: {reason}")]
    NotFollowed {
        /// The page or the checkpoint that leads there.
        from: String,
        /// Where it leads.
        to: String,
        /// Why it is not followed.
        reason: String,
    },
    /// The feed's pages lead in a circle.
    #[error("the feed leads in a circle: {from} continues at {to}, which was read before")]
    Circle {
        /// The page that leads back.
        from: String,
        /// Where it leads.
        to: String,
    },
    /// Another event stands where the last completed one stood: this is not the feed that the checkpoint is of.
    #[error(
        "{url} holds event {found} at position {position}, where event {expected} was consumed: the feed was \
         rebuilt; consume it under another name to start anew"
    )]
    Rewritten {
        /// The page.
        url: String,
        /// The place.
        position: Position,
        /// The event that was completed there.
        expected: EventId,
        /// The event that is there now.
        found: EventId,
    },
    /// The log ends before the last completed event: it is not the log that the checkpoint is of, or an older state.
    #[error(
        "the log of channel {channel} ends before position {end}, and the event at position {position} was consumed: \
         the log was replaced, or restored from an older state; consume it under another name to start anew"
    )]
    Rewound {
        /// The channel.
        channel: String,
        /// Where the last completed event stood.
        position: Position,
        /// Where the log's next event will stand.
        end: Position,
    },
    /// Events that this consumer has not seen were removed by the publisher's retention.
    #[error(
        "the events at {url} were removed by the publisher's retention{}; to go on with what is left and accept the \
         gap, consume with `on_retained(Retained::Continue)`",
        .oldest.map(|oldest| format!(" (the oldest left is at position {oldest})")).unwrap_or_default()
    )]
    Retained {
        /// The URL that was asked for, or the channel.
        url: String,
        /// The oldest event that is still there, where the publisher tells.
        oldest: Option<Position>,
    },
    /// A checkpoint or a dead letter could not be stored, for a minute of trying. The event it belongs to is not
    /// acknowledged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An event must become a dead letter, and there is nowhere to put it. It is not acknowledged.
    #[error(
        "event {id} must become a dead letter ({error}), and the consumer has no store for them; set `dead_letters`"
    )]
    NoDeadLetters {
        /// The event.
        id: EventId,
        /// Why it was given up.
        error: String,
    },
    /// Somebody else has moved the checkpoint since it was loaded. What the handler did in its transaction was undone.
    #[error(
        "the checkpoint of consumer {consumer:?} was moved by another process; let only one consume under this name, or \
         give each its own"
    )]
    Overtaken {
        /// The consumer.
        consumer: String,
    },
    /// An event is of a type that the document does not declare, and the consumer is to stop there.
    #[error(
        "event {id} is of type {event_type:?}, which the document of this consumer does not declare; generate from a \
         newer document, or choose another `on_unknown`, and start again"
    )]
    Unknown {
        /// The event.
        id: EventId,
        /// Its type.
        event_type: String,
    },
    /// The handling of an event broke off. It is not acknowledged.
    #[error("the handling of an event broke off: {reason}")]
    Broken {
        /// How.
        reason: String,
    },
    /// An event had to be read again, and the transport could not.
    #[error("event {id} could not be read a second time")]
    NotRepeatable {
        /// The event.
        id: EventId,
    },
    /// The log that is consumed holds what cannot be read. One whose storage fails is waited for.
    #[error("the log could not be read")]
    Log(#[source] LogError),
}
