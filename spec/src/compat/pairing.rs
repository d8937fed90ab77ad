//! What of the new version is what of the old one: channels by address and then by key, messages by their name on the
//! wire and then by key, servers by key and then by address. What is in doubt is no pair.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use crate::document::{Channel, Document, EventTypes, MessageId, Server, ServerId, SpecVersion};

/// What belongs together, and what is left on either side, in the order of the text.
#[derive(Clone, Debug)]
pub(super) struct Pairs<T> {
    pub(super) both: Vec<(T, T)>,
    pub(super) removed: Vec<T>,
    pub(super) added: Vec<T>,
}

/// One way to recognise things: those that have the same name by it belong together.
type Naming<'n, T> = &'n dyn Fn(&T) -> Option<String>;

/// Pairs by one naming after the other; what an earlier one has paired is taken.
fn pair<T: Copy + Eq + Hash>(old: Vec<T>, new: Vec<T>, namings: &[(Naming<'_, T>, Naming<'_, T>)]) -> Pairs<T> {
    let mut pairs = Pairs { both: Vec::new(), removed: old, added: new };
    for (of_old, of_new) in namings {
        let mut by_name: HashMap<String, Vec<T>> = HashMap::new();
        for item in pairs.added.iter().rev() {
            if let Some(name) = of_new(item) {
                by_name.entry(name).or_default().push(*item);
            }
        }
        let (mut left, mut taken) = (Vec::new(), HashSet::new());
        for item in std::mem::take(&mut pairs.removed) {
            let other = of_old(&item).and_then(|name| by_name.get_mut(&name)?.pop());
            match other {
                Some(other) => {
                    taken.insert(other);
                    pairs.both.push((item, other));
                }
                None => left.push(item),
            }
        }
        pairs.removed = left;
        pairs.added.retain(|item| !taken.contains(item));
    }
    pairs
}

/// Pairs of channels, as indices into the channels of each document.
pub(super) fn channels(old: &Document, new: &Document) -> Pairs<usize> {
    let of = |document: &Document, index: usize| document.channels.get_index(index).map(|(key, id)| (key.clone(), *id));
    let address = |document: &Document, index: usize| document[of(document, index)?.1].address.clone();
    let both =
        |document: &Document, index: usize| Some(format!("{}\n{}", address(document, index)?, of(document, index)?.0));
    let shape = |document: &Document, index: usize| Some(shape_of(&address(document, index)?));
    let key = |document: &Document, index: usize| of(document, index).map(|(key, _)| key);
    pair(
        (0..old.channels.len()).collect(),
        (0..new.channels.len()).collect(),
        &[
            (&|index| both(old, *index), &|index| both(new, *index)),
            (&|index| address(old, *index), &|index| address(new, *index)),
            (&|index| shape(old, *index), &|index| shape(new, *index)),
            (&|index| key(old, *index), &|index| key(new, *index)),
        ],
    )
}

/// An address without the names of its parameters, which nobody sees on the wire.
pub(super) fn shape_of(address: &str) -> String {
    let mut shape = String::with_capacity(address.len());
    let mut is_inside = false;
    for c in address.chars() {
        match c {
            '{' => is_inside = true,
            '}' => {
                is_inside = false;
                shape.push_str("{}");
            }
            _ if is_inside => {}
            _ => shape.push(c),
        }
    }
    shape
}

/// The parameters in an address, in their order.
pub(super) fn parameters_in(address: &str) -> Vec<&str> {
    address.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
}

/// What the events of a channel are called on the wire, message by message.
pub(super) fn wire_names(types: &EventTypes<'_>, channel: &Channel) -> Vec<String> {
    let types = types.of(channel.messages.iter().map(|(key, id)| (key.as_str(), *id)));
    types.into_iter().map(|ty| ty.name).collect()
}

/// A channel with the names of its messages on the wire.
pub(super) type Named<'n> = (&'n Document, &'n Channel, &'n [String]);

/// A message in a channel: its key there and itself.
pub(super) type Carried = (usize, MessageId);

/// Pairs of messages of two channels, with the indices of their keys.
pub(super) fn messages(old: Named<'_>, new: Named<'_>) -> Pairs<Carried> {
    let of = |(_, channel, _): Named<'_>| -> Vec<Carried> { channel.messages.values().copied().enumerate().collect() };
    let key = |(_, channel, _): Named<'_>, index: usize| channel.messages.get_index(index).map(|(key, _)| key.clone());
    let wire = |(_, _, names): Named<'_>, (index, _): Carried| names.get(index).cloned();
    let named =
        |side: Named<'_>, carried: Carried| Some(format!("{}\n{}", wire(side, carried)?, key(side, carried.0)?));
    let component = |(document, _, _): Named<'_>, (_, id): Carried| document[id].key.clone();
    // 2.x lets a message have neither name nor key: the only one of a channel is the only one of the other.
    let is_anonymous = |(document, channel, _): Named<'_>| {
        let message = channel.messages.values().next().map(|id| &document[*id]);
        document.version < SpecVersion::V3_0
            && message.is_some_and(|it| it.name.is_none() && it.key.is_none() && it.message_id.is_none())
    };
    let are_alone = old.1.messages.len() == 1 && new.1.messages.len() == 1 && (is_anonymous(old) || is_anonymous(new));
    let only = |_: Carried| are_alone.then(String::new);
    pair(
        of(old),
        of(new),
        &[
            (&|carried| named(old, *carried), &|carried| named(new, *carried)),
            (&|carried| wire(old, *carried), &|carried| wire(new, *carried)),
            (&|carried| key(old, carried.0), &|carried| key(new, carried.0)),
            (&|carried| component(old, *carried), &|carried| component(new, *carried)),
            (&|carried| only(*carried), &|carried| only(*carried)),
        ],
    )
}

/// Pairs of servers.
pub(super) fn servers(old: &Document, new: &Document) -> Pairs<ServerId> {
    let key = |document: &Document, id: ServerId| Some(document[id].key.clone());
    let address = |document: &Document, id: ServerId| {
        let server: &Server = &document[id];
        Some(format!("{}://{}{}", server.protocol, server.host, server.pathname.as_deref().unwrap_or_default()))
    };
    pair(
        old.servers.values().copied().collect(),
        new.servers.values().copied().collect(),
        &[(&|id| key(old, *id), &|id| key(new, *id)), (&|id| address(old, *id), &|id| address(new, *id))],
    )
}
