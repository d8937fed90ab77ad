//! What a consumer does with events that it cannot, or need not, handle.

/// What to do with an event that is given up: all attempts failed, its handler rejected it, or it does not decode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnPoison {
    /// It becomes a dead letter, and the consumer goes on with the next event, whatever it is about.
    #[default]
    DeadLetter,
    /// It becomes a dead letter, and so do later events of its subject, unhandled and in their order, until the subject is
    /// [replayed](super::replay_subject): none is handled that could depend on one that was not. Other subjects go on.
    /// An event without a subject is a dead letter that holds up none.
    ParkSubject,
}

/// What to do with an event whose type the channel of the handler does not declare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnUnknown {
    /// What the generated handler does: its method `unknown`, which does nothing unless written. Where the module was
    /// generated to refuse unknown types, the event does not decode, and is a dead letter.
    #[default]
    Handle,
    /// It is passed over.
    Skip,
    /// It becomes a dead letter, to be replayed by a newer version.
    DeadLetter,
    /// The consumer stops before it, with [`ConsumeError::Unknown`](super::ConsumeError::Unknown). A receiver of webhooks
    /// leaves it to its sender.
    Stop,
}
