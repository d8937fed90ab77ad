//! Options change the types that they name, and nothing else.

#![deny(warnings)]

use serde::{Deserialize, Serialize};
use serde_json::json;

/// Without options.
mod plain {
    include!(concat!(env!("OUT_DIR"), "/options.rs"));
}
/// With `replace`, `rename`, `derive` and `attr`.
mod changed {
    include!(concat!(env!("OUT_DIR"), "/changed.rs"));
}
/// With `exact`.
mod exact {
    include!(concat!(env!("OUT_DIR"), "/exact.rs"));
}

/// With `open_enum`, `keep_unknown` and `format`.
mod lenient {
    include!(concat!(env!("OUT_DIR"), "/lenient.rs"));
}

/// What strings of the format `duration` are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Duration(String);

/// What `ThingId` is replaced by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct MyId(String);

fn gadget() -> changed::Gadget {
    changed::Gadget::new(MyId("abc".to_owned()))
}

#[test]
fn a_reference_in_an_all_of_of_its_own_is_the_type_itself() {
    let thing: plain::Thing =
        serde_json::from_value(json!({"id": "abc", "origin": "abc", "previous": "small"})).unwrap();
    assert_eq!(thing.origin, Some(thing.id));
    assert_eq!(thing.previous, Some(plain::Size::Small));
    let replaced = changed::Gadget { origin: Some(MyId("abc".to_owned())), ..gadget() };
    assert_eq!(replaced.origin, Some(replaced.id));
}

#[test]
fn event_sets_with_all_that_is_called_after_them_are_renamed() {
    let address = changed::DepotAddress { region: changed::Zone::North, shelf: changed::Shelf::Upper };
    assert_eq!(address.to_string(), "warehouses/north/upper/moved");
    let log = event_api::log::MemoryLog::default();
    let publisher = changed::Depot::publisher(&log, &address);
    fn is_publisher(_: &impl changed::DepotPublisher) {}
    is_publisher(&publisher);
    let other = changed::DepotAddress { region: changed::Zone::South, ..address.clone() };
    assert!(address < other, "and derive what was added");
}

#[test]
fn a_parameter_of_several_channels_has_one_type() {
    let shelf = plain::Shelf::Lower;
    assert_eq!(plain::ShelfEventsAddress { shelf }.to_string(), "shelves/lower");
    assert_eq!(changed::ShelfAddress { shelf: changed::Shelf::Lower }.to_string(), "shelves/lower");
    let address = plain::WarehouseEventsAddress { region: plain::WarehouseRegion::North, shelf };
    assert_eq!(address.to_string(), "warehouses/north/lower/moved");
}

#[test]
fn a_type_is_replaced_by_the_users_own() {
    let gadget: changed::Gadget = serde_json::from_value(json!({"id": "x"})).unwrap();
    assert_eq!(gadget.id, MyId("x".to_owned()), "the user's type decides what it accepts");
    assert!(serde_json::from_value::<plain::Thing>(json!({"id": "x"})).is_err());
}

#[test]
fn a_renamed_type_is_the_same_on_the_wire() {
    let gadget = changed::Gadget { size: Some(changed::Size::Large), ..gadget() };
    let thing: plain::Thing = serde_json::from_value(serde_json::to_value(&gadget).unwrap()).unwrap();
    assert_eq!(thing.size, Some(plain::Size::Large));
    let event = changed::ThingsEvents::from(gadget);
    assert!(matches!(event, changed::ThingsEvents::Made(_)));
}

#[test]
fn derives_and_attributes_are_added() {
    let gadget = gadget();
    assert_eq!(std::collections::HashSet::from([gadget.clone(), gadget]).len(), 1);
    assert_eq!((changed::Size::Small as u8, size_of::<changed::Size>()), (0, 1));
}

#[test]
fn by_the_letter_a_schema_without_a_type_accepts_every_type() {
    let number = json!({"id": "abc", "untyped": 1});
    assert!(serde_json::from_value::<plain::Thing>(number.clone()).is_err());
    assert!(serde_json::from_value::<exact::Thing>(number).is_ok());
    let short = json!({"id": "abc", "untyped": "x"});
    assert!(serde_json::from_value::<exact::Thing>(short).is_err(), "but a string must be long enough");
}

#[test]
fn an_open_enum_bears_values_that_are_not_listed() {
    let thing: lenient::Thing = serde_json::from_value(json!({"id": "abc", "size": "huge"})).unwrap();
    assert_eq!(thing.size, Some(lenient::Size::Other("huge".to_owned())));
    assert_eq!("small".parse(), Ok(lenient::Size::Small));
    assert_eq!(lenient::Size::ALL, [lenient::Size::Small, lenient::Size::Large]);
    assert!(serde_json::from_value::<plain::Size>(json!("huge")).is_err());
}

#[test]
fn unknown_members_are_kept_where_that_is_asked_for() {
    let value = json!({"id": "abc", "more": [1]});
    let kept: lenient::Thing = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(serde_json::to_value(&kept).unwrap(), value);
    let read_over: plain::Thing = serde_json::from_value(value).unwrap();
    assert_eq!(serde_json::to_value(&read_over).unwrap(), json!({"id": "abc"}));
}

#[test]
fn a_format_is_mapped_to_the_users_own_type() {
    let thing: lenient::Thing = serde_json::from_value(json!({"id": "abc", "takes": "PT1H"})).unwrap();
    assert_eq!(thing.takes, Some(Duration("PT1H".to_owned())));
}
