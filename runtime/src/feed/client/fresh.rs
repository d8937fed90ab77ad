//! Which items of a page are new: a page comes again after a restart, at the head of the feed, and whenever its server
//! is unsure, and its events must not be handled again.

use std::collections::HashSet;

use crate::consume::Checkpoint;
use crate::event::{EventId, Position};
use crate::feed::page::PageItem;

/// A page that contradicts what a feed promises.
#[derive(Debug, PartialEq)]
pub(super) enum Odd {
    /// Its items are not in the order of their positions: taking them as they come could lose some.
    OutOfOrder(String),
    /// Another event stands where the last completed one stood.
    Rewritten { position: Position, expected: EventId, found: EventId },
}

/// Tells for each item whether it is new. Positions decide where both sides have them; else it is what stands behind
/// the last completed event, found by its id.
pub(super) fn items<E>(items: &[PageItem<'_, E>], checkpoint: Option<&Checkpoint>) -> Result<Vec<bool>, Odd> {
    let last_id = checkpoint.and_then(|checkpoint| checkpoint.event_id.as_ref());
    let last_position = checkpoint.and_then(|checkpoint| checkpoint.position);
    let through = last_id.and_then(|last| items.iter().rposition(|item| item.id == last.as_str()));

    let mut highest: Option<Position> = None;
    let mut seen = HashSet::new();
    let mut fresh = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let Some(position) = item.position else {
            fresh.push(through.is_none_or(|through| index > through) && seen.insert(item.id.as_ref()));
            continue;
        };
        if let Some(highest) = highest
            && position <= highest
        {
            let reason = format!("its items are out of order: position {position} stands behind {highest}");
            return Err(Odd::OutOfOrder(reason));
        }
        highest = Some(position);
        let Some(last) = last_position else {
            fresh.push(through.is_none_or(|through| index > through));
            continue;
        };
        if position == last
            && let Some(expected) = last_id
            && item.id != expected.as_str()
        {
            let (expected, found) = (expected.clone(), EventId::from(item.id.as_ref()));
            return Err(Odd::Rewritten { position, expected, found });
        }
        fresh.push(position > last);
    }
    Ok(fresh)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::event::Headers;

    fn page(members: &[(&'static str, Option<u64>)]) -> Vec<PageItem<'static, ()>> {
        let item = |(id, position): &(&'static str, Option<u64>)| PageItem {
            id: Cow::Borrowed(*id),
            event_type: Cow::Borrowed("A"),
            date_published: None,
            position: position.map(Position),
            subject: None,
            version: None,
            traceparent: None,
            address: None,
            headers: Headers::default(),
            event: Ok(()),
        };
        members.iter().map(item).collect()
    }

    fn at(id: &str, position: Option<u64>) -> Checkpoint {
        Checkpoint { resume: "".into(), position: position.map(Position), event_id: Some(EventId::from(id)) }
    }

    fn fresh(members: &[(&'static str, Option<u64>)], checkpoint: Option<&Checkpoint>) -> Vec<bool> {
        items(&page(members), checkpoint).unwrap()
    }

    #[test]
    fn without_a_checkpoint_all_is_new() {
        assert_eq!(fresh(&[("a", Some(0)), ("b", None)], None), [true, true]);
    }

    #[test]
    fn positions_decide_where_there_are_any() {
        let items = [("a", Some(4)), ("b", Some(5)), ("c", Some(6))];
        assert_eq!(fresh(&items, Some(&at("b", Some(5)))), [false, false, true]);
        assert_eq!(fresh(&items, Some(&at("gone", Some(1)))), [true, true, true]);
        assert_eq!(fresh(&items, Some(&at("z", Some(9)))), [false, false, false]);
    }

    #[test]
    fn without_positions_the_last_id_decides() {
        let items = [("a", None), ("b", None), ("c", None)];
        assert_eq!(fresh(&items, Some(&at("b", None))), [false, false, true]);
        assert_eq!(fresh(&items, Some(&at("elsewhere", None))), [true, true, true]);
        assert_eq!(fresh(&items, Some(&at("b", Some(1)))), [false, false, true]);
    }

    #[test]
    fn an_item_without_position_among_others_is_placed_by_what_surrounds_it() {
        let items = [("a", Some(0)), ("odd", None), ("b", Some(1))];
        assert_eq!(fresh(&items, Some(&at("odd", None))), [false, false, true]);
        assert_eq!(fresh(&items, Some(&at("a", Some(0)))), [false, true, true]);
        assert_eq!(fresh(&items, Some(&at("b", Some(1)))), [false, false, false]);
    }

    #[test]
    fn an_item_that_comes_twice_on_a_page_is_taken_once() {
        assert_eq!(fresh(&[("a", None), ("a", None), ("b", None)], None), [true, false, true]);
    }

    #[test]
    fn a_page_out_of_order_is_not_taken() {
        assert!(matches!(items(&page(&[("a", Some(2)), ("b", Some(1))]), None), Err(Odd::OutOfOrder(_))));
        assert!(matches!(items(&page(&[("a", Some(2)), ("b", Some(2))]), None), Err(Odd::OutOfOrder(_))));
    }

    #[test]
    fn another_event_in_the_place_of_the_last_is_noticed() {
        let error = items(&page(&[("x", Some(5))]), Some(&at("b", Some(5)))).unwrap_err();
        assert!(matches!(error, Odd::Rewritten { position: Position(5), .. }));
    }
}
