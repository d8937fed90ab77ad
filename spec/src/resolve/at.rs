//! A node together with its path: what readers pass around.

use crate::source::{Location, Node, Pointer};

/// A node of a file and its path from the file's root.
#[derive(Clone, Debug)]
pub(crate) struct At<'a> {
    pub(crate) node: &'a Node,
    pub(crate) pointer: Pointer,
}

impl<'a> At<'a> {
    pub(crate) fn new(node: &'a Node, pointer: Pointer) -> Self {
        At { node, pointer }
    }

    pub(crate) fn location(&self) -> Location {
        Location { span: self.node.span, pointer: self.pointer.clone() }
    }

    /// The member called `name`, if this is an object that has it.
    pub(crate) fn get(&self, name: &str) -> Option<At<'a>> {
        let node = self.node.get(name)?;
        Some(At { node, pointer: self.pointer.join(name) })
    }

    /// The element or member that a token of a pointer names.
    pub(crate) fn child(&self, token: &str) -> Option<At<'a>> {
        match self.node.as_array() {
            Some(items) => {
                let is_index = token == "0" || !token.starts_with(['0', '+']);
                let node = items.get(token.parse::<usize>().ok().filter(|_| is_index)?)?;
                Some(At { node, pointer: self.pointer.join(token) })
            }
            None => self.get(token),
        }
    }

    /// The text of `$ref`, if this is a reference.
    pub(crate) fn reference(&self) -> Option<&'a str> {
        self.node.get("$ref")?.as_str()
    }

    /// Identity: the same for everyone who arrives at this object, by whatever way.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self.node) as usize
    }

    /// The key of a named member of `components`: `("messages", "UserSignedUp")`.
    pub(crate) fn component(&self) -> Option<(String, String)> {
        let mut tokens = self.pointer.tokens();
        (tokens.next()? == "components").then_some(())?;
        let component = (tokens.next()?, tokens.next()?);
        tokens.next().is_none().then_some(component)
    }
}
