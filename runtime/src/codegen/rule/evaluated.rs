//! What of a value some rule has looked at: what `unevaluated…` asks for.

use std::collections::BTreeSet;

/// Members by name, and items by index.
#[derive(Clone, Debug, Default)]
pub(super) struct Evaluated<'v> {
    members: BTreeSet<&'v str>,
    items: BTreeSet<usize>,
    all_members: bool,
    all_items: bool,
}

impl<'v> Evaluated<'v> {
    pub(super) fn member(&mut self, name: &'v str) {
        if !self.all_members {
            self.members.insert(name);
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

    pub(super) fn has_member(&self, name: &str) -> bool {
        self.all_members || self.members.contains(name)
    }

    pub(super) fn has_item(&self, index: usize) -> bool {
        self.all_items || self.items.contains(&index)
    }

    /// Adds what another rule has looked at in the same value.
    pub(super) fn merge(&mut self, other: Evaluated<'v>) {
        if other.all_members {
            self.all_members();
        }
        if other.all_items {
            self.all_items();
        }
        other.members.into_iter().for_each(|name| self.member(name));
        other.items.into_iter().for_each(|index| self.item(index));
    }
}
