//! Which members and items of a value some keyword has looked at: what `unevaluated…` asks for.

use std::collections::BTreeSet;

/// Members by their index in the object, and items by theirs.
#[derive(Clone, Debug, Default)]
pub(super) struct Evaluated {
    members: BTreeSet<usize>,
    items: BTreeSet<usize>,
    all_items: bool,
    all_members: bool,
}

impl Evaluated {
    pub(super) fn member(&mut self, index: usize) {
        if !self.all_members {
            self.members.insert(index);
        }
    }

    pub(super) fn item(&mut self, index: usize) {
        if !self.all_items {
            self.items.insert(index);
        }
    }

    pub(super) fn all_members(&mut self) {
        self.all_members = true;
        self.members.clear();
    }

    pub(super) fn all_items(&mut self) {
        self.all_items = true;
        self.items.clear();
    }

    pub(super) fn has_member(&self, index: usize) -> bool {
        self.all_members || self.members.contains(&index)
    }

    pub(super) fn has_item(&self, index: usize) -> bool {
        self.all_items || self.items.contains(&index)
    }

    /// Adds what another schema has evaluated of the same value.
    pub(super) fn merge(&mut self, other: &Evaluated) {
        if other.all_members {
            self.all_members();
        }
        if other.all_items {
            self.all_items();
        }
        other.members.iter().for_each(|&index| self.member(index));
        other.items.iter().for_each(|&index| self.item(index));
    }
}
