//! Where trees live while a document is read: lists that only grow, so that references into them stay valid and a
//! node's address is its identity.

use std::cell::{Cell, OnceCell};

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

/// A list to which a shared reference may add: chunks of doubling size, none of which ever moves.
#[derive(Debug)]
pub(crate) struct AppendList<T> {
    chunks: [OnceCell<Box<[OnceCell<T>]>>; 32],
    length: Cell<usize>,
}

impl<T> Default for AppendList<T> {
    fn default() -> Self {
        AppendList { chunks: [const { OnceCell::new() }; 32], length: Cell::new(0) }
    }
}

impl<T> AppendList<T> {
    pub(crate) fn push(&self, value: T) -> &T {
        // Chunk n holds the elements from 2ⁿ - 1.
        let position = self.length.get() + 1;
        self.length.set(position);
        let chunk = position.ilog2() as usize;
        let chunk = self.chunks[chunk].get_or_init(|| (0..1usize << chunk).map(|_| OnceCell::new()).collect());
        chunk[position - (1 << position.ilog2())].get_or_init(|| value)
    }
}

#[cfg(test)]
mod tests {
    use super::AppendList;

    #[test]
    fn what_was_added_stays_where_it_is() {
        let list = AppendList::default();
        let kept: Vec<&String> = (0..1000).map(|number| list.push(number.to_string())).collect();
        assert!(kept.iter().enumerate().all(|(number, text)| **text == number.to_string()));
    }
}
