//! The items of a feed as they came.

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::consume::Originals;
use crate::event::{EventSet, RawEvent};
use crate::feed::page::{item_texts, raw_item};

/// The items of a page, or one alone.
pub(super) struct Items<E> {
    page: Bytes,
    /// Found when one is wanted, and then all at once.
    texts: OnceLock<Vec<Bytes>>,
    events: PhantomData<fn() -> E>,
}

impl<E: EventSet> Items<E> {
    pub(super) fn of_page(page: Bytes) -> Self {
        Items { page, texts: OnceLock::new(), events: PhantomData }
    }

    pub(super) fn alone(text: &[u8]) -> Self {
        Items { page: Bytes::new(), texts: vec![Bytes::copy_from_slice(text)].into(), events: PhantomData }
    }

    fn text(&self, index: usize) -> Option<&Bytes> {
        let find = || item_texts(&self.page).iter().map(|text| self.page.slice_ref(text.get().as_bytes())).collect();
        self.texts.get_or_init(find).get(index)
    }
}

impl<E: EventSet> Originals for Items<E> {
    fn event(&self, index: usize) -> Option<RawEvent> {
        let item: &RawValue = serde_json::from_slice(self.text(index)?).ok()?;
        Some(raw_item::<E>(item))
    }

    fn size(&self, index: usize) -> usize {
        self.text(index).map_or(0, Bytes::len)
    }

    fn apart(&self, index: usize) -> Option<Arc<dyn Originals>> {
        let is_alone = self.page.is_empty();
        let text = self.text(index).filter(|_| !is_alone)?;
        Some(Arc::new(Items::<E>::alone(text)))
    }
}
