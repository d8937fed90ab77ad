//! Operations: what the application does with a channel.

use super::{Bindings, ChannelId, Extensions, ExternalDocs, MessageId, RuntimeExpression, SecurityRequirement, Tag};
use crate::source::{Location, Node};

/// Who writes, seen from the application that the document describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The application sends: 3.x `send`, 2.x `subscribe`.
    Send,
    /// The application receives: 3.x `receive`, 2.x `publish`.
    Receive,
}

/// The Operation Object, with its traits merged.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Where it is written.
    pub location: Location,
    /// The key in `operations`; in 2.x the `operationId`, or what [`super::Document::operations`] says.
    pub key: String,
    /// Whether the key is the author's own: false for 2.x operations without `operationId`.
    pub is_named: bool,
    /// `action`
    pub action: Action,
    /// `channel`; `None` when it could not be resolved (which was reported).
    pub channel: Option<ChannelId>,
    /// `title`
    pub title: Option<String>,
    /// `summary`
    pub summary: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `messages`; `None` means all of the channel, empty none.
    pub messages: Option<Vec<MessageId>>,
    /// `reply`
    pub reply: Option<Reply>,
    /// `security`: any one of them suffices.
    pub security: Vec<SecurityRequirement>,
    /// `tags`
    pub tags: Vec<Tag>,
    /// `externalDocs`
    pub external_docs: Option<ExternalDocs>,
    /// `bindings`
    pub bindings: Bindings,
    /// `traits`, as they were before merging.
    pub traits: Vec<OperationTrait>,
    /// `x-…`
    pub extensions: Extensions,
}

/// The Operation Trait Object: what an operation takes over unless it says so itself.
#[derive(Clone, Debug)]
pub struct OperationTrait {
    /// Where it is written.
    pub location: Location,
    /// The trait as it is written; what applies has been merged into the operations that use it.
    pub node: Node,
}

/// The Operation Reply Object.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Where it is written.
    pub location: Location,
    /// `address`
    pub address: Option<ReplyAddress>,
    /// `channel`
    pub channel: Option<ChannelId>,
    /// `messages`; `None` means all of the channel.
    pub messages: Option<Vec<MessageId>>,
    /// `x-…`
    pub extensions: Extensions,
}

/// The Operation Reply Address Object.
#[derive(Clone, Debug)]
pub struct ReplyAddress {
    /// Where it is written.
    pub location: Location,
    /// `description`
    pub description: Option<String>,
    /// `location`; `None` when it is no valid runtime expression (which was reported).
    pub value_location: Option<RuntimeExpression>,
    /// `x-…`
    pub extensions: Extensions,
}
