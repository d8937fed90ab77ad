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

/// What `ThingId` is replaced by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct MyId(String);

#[test]
fn a_type_is_replaced_by_the_users_own() {
    let gadget: changed::Gadget = serde_json::from_value(json!({"id": "x"})).unwrap();
    assert_eq!(gadget.id, MyId("x".to_owned()), "the user's type decides what it accepts");
    assert!(serde_json::from_value::<plain::Thing>(json!({"id": "x"})).is_err());
}

#[test]
fn a_renamed_type_is_the_same_on_the_wire() {
    let gadget = changed::Gadget { id: MyId("abc".to_owned()), size: Some(changed::Size::Large), untyped: None };
    let thing: plain::Thing = serde_json::from_value(serde_json::to_value(&gadget).unwrap()).unwrap();
    assert_eq!(thing.size, Some(plain::Size::Large));
    let event = changed::ThingsEvents::from(gadget);
    assert!(matches!(event, changed::ThingsEvents::Made(_)));
}

#[test]
fn derives_and_attributes_are_added() {
    let gadget = changed::Gadget { id: MyId("abc".to_owned()), size: None, untyped: None };
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
