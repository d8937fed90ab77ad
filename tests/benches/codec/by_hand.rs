//! The types of `documents/codec.yaml` as a Rust engineer writes them with serde's derives, with the same fields and, where
//! the document constrains a value, the same checks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Flat {
    id: i64,
    customer: String,
    street: String,
    city: String,
    quantity: i32,
    price: f64,
    weight: f64,
    express: bool,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Open,
    Paid,
    Shipped,
    Delivered,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Nested {
    number: String,
    buyer: Buyer,
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Buyer {
    name: String,
    address: Address,
    #[serde(skip_serializing_if = "Option::is_none")]
    phones: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Address {
    street: String,
    city: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<String>,
    country: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    article: String,
    count: i64,
    price: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<Money>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Money {
    amount: f64,
    currency: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Checked {
    code: Code,
    name: Name,
    quantity: Quantity,
    percent: Percent,
    tags: Tags,
}

/// A newtype that cannot hold what `$check` refuses.
macro_rules! checked {
    ($name:ident($inner:ty, $written:literal), $check:expr, $message:literal) => {
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(try_from = $written, into = $written)]
        pub(crate) struct $name($inner);

        impl TryFrom<$inner> for $name {
            type Error = &'static str;

            fn try_from(value: $inner) -> Result<Self, Self::Error> {
                let check: fn(&$inner) -> bool = $check;
                if check(&value) { Ok($name(value)) } else { Err($message) }
            }
        }

        impl From<$name> for $inner {
            fn from(value: $name) -> $inner {
                value.0
            }
        }
    };
}

checked!(Code(String, "String"), |text| (3..=12).contains(&text.chars().count()), "3 to 12 characters");
checked!(Name(String, "String"), |text| (1..=80).contains(&text.chars().count()), "1 to 80 characters");
checked!(Quantity(u16, "u16"), |number| (1..=1000).contains(number), "1 to 1000");
checked!(Percent(f64, "f64"), |number| (0.0..=100.0).contains(number), "0 to 100");
checked!(Tags(Vec<String>, "Vec<String>"), |items| (1..=8).contains(&items.len()), "1 to 8 items");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub(crate) enum Tagged {
    Created(Created),
    Moved(Moved),
    Removed(Removed),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Created {
    id: i64,
    name: String,
    owner: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Moved {
    id: i64,
    x: f64,
    y: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Address>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Removed {
    id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "lowercase")]
pub(crate) enum Adjacent {
    Address(Address),
    Line(Line),
    Text(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Kinds {
    String(String),
    Integer(i64),
    Boolean(bool),
    Array(Vec<String>),
    Money(Money),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sparse {
    #[serde(skip_serializing_if = "Option::is_none")]
    alpha: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bravo: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    charlie: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    echo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    foxtrot: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    golf: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hotel: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    india: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    juliett: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kilo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lima: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mike: Option<Vec<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    november: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oscar: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    papa: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quebec: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    romeo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sierra: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tango: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Integers {
    values: Vec<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counters {
    counters: BTreeMap<String, i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Directory {
    people: BTreeMap<String, Address>,
}
