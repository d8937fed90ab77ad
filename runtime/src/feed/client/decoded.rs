//! A page as a walk takes it: its events are decoded, and it is not tied to its text, so it can be made ahead.

use std::sync::Arc;

use super::fetch::{Answer, Body, beginning};
use super::originals::Items;
use crate::consume::Originals;
use crate::event::{DecodeError, Envelope, EventId, EventSet, Position};
use crate::feed::page::{Page, PageError, PageItem};

/// A page and where it came from.
pub(super) struct Decoded<E> {
    pub(super) items: Vec<Item<E>>,
    /// As written: it may be relative.
    pub(super) next_url: Option<String>,
    /// The items as they came.
    pub(super) originals: Arc<dyn Originals>,
    pub(super) body: Body,
}

/// An item of a feed.
pub(super) struct Item<E> {
    pub(super) id: EventId,
    pub(super) position: Option<Position>,
    /// What it is about, where it holds no event that would tell.
    pub(super) subject: Option<String>,
    /// The event, or why it holds none.
    pub(super) event: Box<Result<Envelope<E>, DecodeError>>,
}

impl<E: EventSet> From<PageItem<'_, E>> for Item<E> {
    fn from(item: PageItem<'_, E>) -> Self {
        let id = EventId::from(item.id.as_ref());
        Item {
            position: item.position,
            subject: item.subject_of_unreadable(),
            event: Box::new(item.into_event_of(id.clone())),
            id,
        }
    }
}

impl Answer<Body> {
    /// The same with its events. What is no page may become one.
    pub(super) fn decode<E: EventSet>(self) -> Answer<Decoded<E>> {
        match self {
            Answer::Page(body) => match Page::from_slice(&body.bytes) {
                Ok(Page { items, next_url, .. }) => Answer::Page(Decoded {
                    items: items.into_iter().map(Item::from).collect(),
                    next_url: next_url.map(|url| url.into_owned()),
                    originals: Arc::new(Items::<E>::of_page(body.bytes.clone())),
                    body,
                }),
                Err(error) => Answer::Later { reason: unreadable(&error, &body), after: None },
            },
            Answer::Unchanged => Answer::Unchanged,
            Answer::Retained(oldest) => Answer::Retained(oldest),
            Answer::Later { reason, after } => Answer::Later { reason, after },
        }
    }
}

fn unreadable(error: &PageError, body: &Body) -> String {
    let content_type = body.content_type.as_deref().map_or_else(|| "of no content type".to_owned(), beginning);
    let text = String::from_utf8_lossy(&body.bytes[..body.bytes.len().min(400)]);
    let begins: String = beginning(&text).chars().take(80).collect();
    format!("{error} (the answer is {content_type} and begins {begins:?})")
}
