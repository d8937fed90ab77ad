//! Events as they came: read again for another attempt or a dead letter, which most events never need.

use std::sync::Arc;

use crate::event::RawEvent;

/// Events as they came, several or one.
pub(crate) trait Originals: Send + Sync {
    /// The event at `index`, if it can be read again.
    fn event(&self, index: usize) -> Option<RawEvent>;

    /// How many bytes it takes, about.
    fn size(&self, index: usize) -> usize;

    /// It alone, without the others in memory; `None` where it is alone.
    fn apart(&self, index: usize) -> Option<Arc<dyn Originals>>;
}

/// One event as it came. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Original {
    source: Arc<dyn Originals>,
    index: usize,
}

impl Original {
    /// The event at `index` of `source`.
    pub(crate) fn new(source: Arc<dyn Originals>, index: usize) -> Self {
        Original { source, index }
    }

    pub(crate) fn read(&self) -> Option<RawEvent> {
        self.source.event(self.index)
    }

    pub(crate) fn size(&self) -> usize {
        self.source.size(self.index)
    }

    /// The same without its neighbours, for an event that may be kept for long.
    pub(crate) fn apart(self) -> Self {
        match self.source.apart(self.index) {
            Some(source) => Original { source, index: 0 },
            None => self,
        }
    }
}

impl Originals for RawEvent {
    fn event(&self, _: usize) -> Option<RawEvent> {
        Some(self.clone())
    }

    fn size(&self, _: usize) -> usize {
        self.data.get().len()
    }

    fn apart(&self, _: usize) -> Option<Arc<dyn Originals>> {
        None
    }
}
