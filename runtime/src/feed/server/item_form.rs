//! In which form items of JSON Feed are written: pages and streams of one feed agree in it.

use super::super::names::{FieldNames, NamedItem};
use super::super::wire::{Item, Page, StrictItem, VERSION};
use crate::log::StoredEvent;

/// How an item carries its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemForm {
    /// In members beside the standard ones: `_type`, `_data`, ….
    Extended,
    /// The same, with other names for two of them.
    Named(FieldNames),
    /// In one object, `_event`.
    Strict,
}

impl ItemForm {
    /// One item by itself.
    pub(super) fn item(self, stored: &StoredEvent) -> Result<String, serde_json::Error> {
        match self {
            ItemForm::Extended => serde_json::to_string(&Item::from(stored)),
            ItemForm::Named(names) => serde_json::to_string(&NamedItem { names, item: Item::from(stored) }),
            ItemForm::Strict => serde_json::to_string(&StrictItem::from(stored)),
        }
    }

    /// A page of `events`.
    pub(super) fn page(
        self,
        title: &str,
        feed_url: &str,
        next_url: Option<&str>,
        events: &[StoredEvent],
    ) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            ItemForm::Extended => {
                let items = events.iter().map(Item::from).collect();
                serde_json::to_vec(&Page { version: VERSION, title, feed_url, next_url, items })
            }
            ItemForm::Named(names) => {
                let items = events.iter().map(|stored| NamedItem { names, item: Item::from(stored) }).collect();
                serde_json::to_vec(&Page { version: VERSION, title, feed_url, next_url, items })
            }
            ItemForm::Strict => {
                let items: Vec<StrictItem<'_>> = events.iter().map(StrictItem::from).collect();
                serde_json::to_vec(&Page { version: VERSION, title, feed_url, next_url, items })
            }
        }
    }
}
