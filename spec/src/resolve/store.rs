//! Where trees live while a document is read: lists that only grow, so that references into them stay valid and a
//! node's address is its identity.

use std::cell::OnceCell;

use crate::source::Node;

/// A file that was read into a tree.
#[derive(Debug)]
pub(crate) struct File {
    /// The absolute URI under which references find it.
    pub(crate) uri: String,
    pub(crate) root: Node,
}

/// What a reader borrows from.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) files: AppendList<File>,
    /// Objects that are written nowhere: a trait and its target merged.
    pub(crate) merged: AppendList<Node>,
}

/// A list to which a shared reference may add.
#[derive(Debug)]
pub(crate) struct AppendList<T> {
    head: OnceCell<Box<Entry<T>>>,
}

#[derive(Debug)]
struct Entry<T> {
    value: T,
    next: OnceCell<Box<Entry<T>>>,
}

impl<T> Default for AppendList<T> {
    fn default() -> Self {
        AppendList { head: OnceCell::new() }
    }
}

impl<T> AppendList<T> {
    pub(crate) fn push(&self, value: T) -> &T {
        let mut slot = &self.head;
        while let Some(entry) = slot.get() {
            slot = &entry.next;
        }
        &slot.get_or_init(|| Box::new(Entry { value, next: OnceCell::new() })).value
    }
}

impl<T> Drop for AppendList<T> {
    // Entry by entry: the derived way would recurse once for each.
    fn drop(&mut self) {
        let mut next = self.head.take();
        while let Some(mut entry) = next {
            next = entry.next.take();
        }
    }
}
