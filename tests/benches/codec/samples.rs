//! What is read and written: JSON texts for each form of data, different enough that no branch is always right.

use serde_json::{Map, Value, json};

const COUNT: u64 = 60;

fn texts(make: impl FnMut(u64) -> Value) -> Vec<String> {
    (0..COUNT).map(make).map(|value| value.to_string()).collect()
}

fn money(number: u64) -> Value {
    json!({"amount": 0.25 + number as f64, "currency": if number.is_multiple_of(2) { "EUR" } else { "USD" }})
}

fn address(number: u64) -> Value {
    let mut address = json!({"street": format!("Lange Straße {number}"), "city": "Bremen", "country": "Germany"});
    if number.is_multiple_of(3) {
        address["postalCode"] = json!("28195");
    }
    address
}

fn line(number: u64) -> Value {
    let mut line =
        json!({"article": format!("article-{number}"), "count": number * 17 % 40 + 1, "price": money(number)});
    if number.is_multiple_of(5) {
        line["discount"] = money(1);
    }
    line
}

pub(crate) fn flat() -> Vec<String> {
    let status = ["open", "paid", "shipped", "delivered", "cancelled"];
    texts(|number| {
        let mut flat = json!({
            "id": number * 7919,
            "customer": "Johanna \"Jo\" Feldmann",
            "street": format!("Lange Straße {number}"),
            "city": "Bremen",
            "quantity": number % 12,
            "price": 12.5 + number as f64,
            "weight": 0.001 * number as f64,
            "express": number.is_multiple_of(2),
            "status": status[(number * 31 % 5) as usize],
        });
        if number.is_multiple_of(3) {
            flat["note"] = json!("Leave it at the door, please.");
        }
        flat
    })
}

pub(crate) fn nested() -> Vec<String> {
    texts(|number| {
        json!({
            "number": format!("2026-{number:06}"),
            "buyer": {"name": "Johanna Feldmann", "address": address(number), "phones": ["+49 421 1234", "+49 421 4321"]},
            "lines": (0..10).map(|index| line(number + index)).collect::<Vec<_>>(),
        })
    })
}

pub(crate) fn checked() -> Vec<String> {
    texts(|number| {
        json!({
            "code": format!("C-{number:04}"),
            "name": "Johanna Überacker",
            "quantity": number * 13 % 1000 + 1,
            "percent": number as f64 * 1.5,
            "tags": ["home", "billing"],
        })
    })
}

/// The members behind the tag, and the tag in front: the order in which this crate and serde write.
fn tagged(number: u64) -> (Value, &'static str) {
    match number * 7 % 3 {
        0 => (json!({"id": number, "name": "A new thing", "owner": "Johanna", "labels": ["a", "b", "c"]}), "Created"),
        1 => (json!({"id": number, "x": 1.5, "y": number as f64 / 4.0, "address": address(number)}), "Moved"),
        _ => (json!({"id": number, "reason": "It was in the way."}), "Removed"),
    }
}

pub(crate) fn tag_first() -> Vec<String> {
    let text = |number| {
        let (members, tag) = tagged(number);
        format!(r#"{{"kind":"{tag}",{}"#, &members.to_string()[1..])
    };
    (0..COUNT).map(text).collect()
}

pub(crate) fn tag_last() -> Vec<String> {
    let text = |number| {
        let (members, tag) = tagged(number);
        let members = members.to_string();
        format!(r#"{},"kind":"{tag}"}}"#, &members[..members.len() - 1])
    };
    (0..COUNT).map(text).collect()
}

pub(crate) fn adjacent() -> Vec<String> {
    let text = |number| {
        let (tag, data) = match number * 7 % 3 {
            0 => ("address", address(number)),
            1 => ("line", line(number)),
            _ => ("text", json!("Some words about it.")),
        };
        format!(r#"{{"type":"{tag}","data":{data}}}"#)
    };
    (0..COUNT).map(text).collect()
}

pub(crate) fn kinds() -> Vec<String> {
    texts(|number| match number * 7 % 5 {
        0 => json!("a text of some length"),
        1 => json!(number * 1000),
        2 => json!(number.is_multiple_of(2)),
        3 => json!(["one", "two", "three"]),
        _ => money(number),
    })
}

pub(crate) fn sparse() -> Vec<String> {
    texts(|number| {
        let all = [
            ("alpha", json!("a text")),
            ("bravo", json!(number)),
            ("charlie", json!(1.5)),
            ("delta", json!(true)),
            ("echo", json!("another text")),
            ("hotel", json!(-7)),
            ("india", json!("India")),
            ("kilo", json!("a kilo of it")),
            ("mike", json!([1, 2, 3])),
            ("november", json!("in autumn")),
            ("oscar", money(number)),
            ("quebec", json!(number * 11)),
            ("sierra", json!(false)),
            ("tango", json!("for two")),
        ];
        let some = all.into_iter().enumerate().filter(|(index, _)| (number + *index as u64 * 5).is_multiple_of(3));
        Value::Object(some.map(|(_, (name, value))| (name.to_owned(), value)).collect::<Map<_, _>>())
    })
}

pub(crate) fn integers() -> Vec<String> {
    let integer = |number: u64, index: u64| {
        let square = (index * 7919 + number).pow(2) as i64;
        if index.is_multiple_of(3) { -square } else { square }
    };
    texts(|number| json!({"values": (0..200).map(|index| integer(number, index)).collect::<Vec<_>>()}))
}

pub(crate) fn counters() -> Vec<String> {
    let counter = |number, index| (format!("counter-{:05}", index * 7919 % 100_000), json!(number * index));
    texts(|number| json!({"counters": (0..100).map(|index| counter(number, index)).collect::<Map<_, _>>()}))
}

pub(crate) fn directory() -> Vec<String> {
    let person = |number, index| (format!("person-{index:03}"), address(number + index));
    texts(|number| json!({"people": (0..30).map(|index| person(number, index)).collect::<Map<_, _>>()}))
}
