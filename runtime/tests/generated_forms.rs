//! The forms of generated code that rules and readers take part in, written as the generator writes them: what each
//! accepts from text and from a collected value, what it refuses and with which words, and what it writes.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A module as the generator writes it. Types have the names of readers, which must not disturb.
#[allow(unreachable_pub, reason = "generated code is public")]
mod api {
    use std::collections::BTreeMap;

    mod __rules {
        use event_api::codegen::rules::*;

        pub(super) static CIRCLE: Rule = Rule::All(&[
            Rule::Type(&[Kind::Object]),
            Rule::Required(&["radius"]),
            Rule::properties(&[("radius", Rule::All(&[Rule::Type(&[Kind::Number]), Rule::minimum("0")]))]),
        ]);
        pub(super) static SQUARE: Rule = Rule::All(&[
            Rule::Type(&[Kind::Object]),
            Rule::Required(&["side"]),
            Rule::properties(&[("side", Rule::Type(&[Kind::Number]))]),
        ]);
        pub(super) static NUMBERS: Rule =
            Rule::All(&[Rule::Type(&[Kind::Array]), Rule::items(&Rule::Type(&[Kind::Integer]))]);
        pub(super) static PERIOD: Rule = Rule::All(&[
            Rule::Type(&[Kind::Object]),
            Rule::properties(&[("from", Rule::Type(&[Kind::Integer])), ("until", Rule::Type(&[Kind::Integer]))]),
            Rule::Names(&Rule::Pattern(pattern!("^[a-z]+$"))),
            Rule::Dependent(&[("until", Rule::Required(&["from"]))]),
        ]);
    }

    #[derive(Clone, Debug, PartialEq)]
    pub struct Integer {
        pub count: u8,
        pub prices: Option<Vec<f64>>,
        pub nick: Option<i64>,
        pub change: Option<Option<i64>>,
        pub size: i32,
        pub pair: (i64, String),
        pub when: Option<event_api::DateTime>,
        pub boxed: Option<Box<i64>>,
        pub others: BTreeMap<String, i64>,
    }

    event_api::codegen::object!(Integer, keep(others as Integer), ["kind" = Null, "list" = Array(&[Int(1), Str("a")])], {
        required count = "count" as Integer,
        optional prices = "prices" as List<Number>,
        nullable nick = "nick" as Maybe<Integer>,
        maybe_null change = "change" as Maybe<Integer>,
        default(7) size = "size" as Integer,
        required pair = "pair" as (Integer, Same),
        optional when = "when" as DateTime,
        optional boxed = "boxed" as Boxed<Integer>,
    });

    #[derive(Clone, Debug, PartialEq)]
    pub struct List {
        pub item1: i64,
        pub item2: Option<String>,
        pub rest: Vec<f64>,
    }

    event_api::codegen::tuple!(List, [required item1 as Integer, optional item2], rest rest as Number);

    #[derive(Clone, Debug, PartialEq)]
    pub struct PeriodFields {
        pub from: Option<i64>,
        pub until: Option<i64>,
    }

    event_api::codegen::object!(PeriodFields, ignore, {
        optional from = "from" as Integer,
        optional until = "until" as Integer,
    });

    #[derive(Clone, Debug, PartialEq)]
    pub struct Period(PeriodFields);

    event_api::codegen::newtype!(Period(PeriodFields), rule __rules::PERIOD);

    #[derive(Clone, Debug, PartialEq)]
    pub struct Even(i64);

    impl Even {
        fn check(value: &i64) -> Result<(), event_api::Invalid> {
            event_api::codegen::check_multiple(*value, 2)
        }
    }

    event_api::codegen::newtype!(Even(i64) as Integer);

    #[derive(Clone, Debug, PartialEq)]
    pub struct Plain(pub Vec<i64>);

    event_api::codegen::wrapper!(Plain(Vec<i64>) as List<Integer>);

    #[derive(Clone, Debug, PartialEq)]
    pub struct Circle {
        pub radius: f64,
    }

    event_api::codegen::object!(Circle, ignore, { required radius = "radius" as Number, });

    #[derive(Clone, Debug, PartialEq)]
    pub struct Square {
        pub side: f64,
        pub radius: Option<f64>,
    }

    event_api::codegen::object!(Square, ignore, {
        required side = "side" as Number,
        optional radius = "radius" as Number,
    });

    #[derive(Clone, Debug, PartialEq)]
    pub enum Shape {
        Circle(Circle),
        Square(Square),
        Numbers(Vec<i64>),
    }

    event_api::codegen::union_by_rule!(Shape, only {
        Circle = __rules::CIRCLE,
        Square = __rules::SQUARE,
        Numbers = __rules::NUMBERS as List<Integer>,
    });

    #[derive(Clone, Debug, PartialEq)]
    pub enum Any {
        Square(Square),
        Circle(Circle),
    }

    event_api::codegen::union_by_rule!(Any, first { Square = __rules::SQUARE, Circle = __rules::CIRCLE, });

    #[derive(Clone, Debug, PartialEq)]
    pub enum Kinds {
        Nothing(()),
        Flag(bool),
        Count(i64),
        Date(event_api::Date),
        Counts(Vec<i64>),
        Named(BTreeMap<String, i64>),
    }

    event_api::codegen::union_by_kind!(Kinds {
        Nothing = null,
        Flag = boolean,
        Count = number as Integer,
        Date = string as Date,
        Counts = array as List<Integer>,
        Named = object as Map<Integer>,
    });

    #[derive(Clone, Debug, PartialEq)]
    pub enum Tagged {
        Period(PeriodFields),
        Numbers(BTreeMap<String, Option<i64>>),
    }

    event_api::codegen::union_by_member!(Tagged, "type", {
        Period = "period" | "time",
        Numbers = "" as Map<Maybe<Same>>,
    });

    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Mixed {
        Nothing,
        Half,
        Yes,
        One,
        Huge,
        Pair,
        Member,
        Text,
    }

    event_api::codegen::scalar_enum!(Mixed {
        Nothing = Null,
        Half = Number("0.5"),
        Yes = Bool(true),
        One = Int(1),
        Huge = Number("18446744073709551615"),
        Pair = Array(&[Int(1), Null]),
        Member = Object(&[("a", Array(&[]))]),
        Text = Str("x"),
    });

    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    pub enum Colour {
        Red,
        Green,
        Other(String),
    }

    event_api::codegen::string_enum!(Colour, open Other { Red = "red", Green = "green", });
}

/// What a text is read as; the same must come of the value, owned and borrowed.
fn read<T: DeserializeOwned + PartialEq + Debug>(text: &str) -> Result<T, String> {
    let from_text = serde_json::from_str::<T>(text).map_err(|error| error.to_string());
    let value: Value = serde_json::from_str(text).unwrap();
    let from_reference = T::deserialize(&value).ok();
    let from_value = serde_json::from_value::<T>(value).ok();
    assert_eq!(from_text.as_ref().ok(), from_value.as_ref(), "{text}");
    assert_eq!(from_text.as_ref().ok(), from_reference.as_ref(), "{text}");
    from_text
}

#[track_caller]
fn refuses<T: DeserializeOwned + PartialEq + Debug>(text: &str, words: &[&str]) {
    let error = read::<T>(text).unwrap_err();
    for word in words {
        assert!(error.contains(word), "{text}: {error} says nothing of {word}");
    }
}

fn write<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap()
}

fn object(changes: &[(&str, &str)]) -> String {
    let mut members: BTreeMap<&str, &str> =
        [("kind", "null"), ("list", "[1.0, \"a\"]"), ("count", "1.0"), ("pair", "[2.0, \"b\"]")].into();
    members.extend(changes.iter().copied());
    let members: Vec<_> = members.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
    format!("{{{}}}", members.join(","))
}

#[test]
fn members_are_read_by_the_reader_that_is_named() {
    let plain: api::Integer = read(&object(&[])).unwrap();
    assert_eq!((plain.count, plain.size, plain.pair.clone()), (1, 7, (2, "b".to_owned())));
    assert_eq!((plain.nick, plain.change), (None, None));
    let full = object(&[
        ("prices", "[1, 2.5]"),
        ("nick", "null"),
        ("change", "null"),
        ("size", "-3e0"),
        ("when", "\"2020-02-29T12:00:00+01:00\""),
        ("boxed", "4.0"),
        ("more", "5.0"),
    ]);
    let full: api::Integer = read(&full).unwrap();
    assert_eq!(full.prices, Some(vec![1.0, 2.5]));
    assert_eq!((full.nick, full.change, full.size, full.boxed.as_deref()), (None, Some(None), -3, Some(&4)));
    assert_eq!(full.others["more"], 5);
    assert_eq!(read::<api::Integer>(&write(&full).to_string()).unwrap(), full);
    assert_eq!(write(&full)["change"], Value::Null);
    assert!(write(&plain).get("change").is_none());
    assert_eq!(read::<api::Integer>(&object(&[("change", "1.0")])).unwrap().change, Some(Some(1)));
}

#[test]
fn members_refuse_what_the_reader_refuses() {
    refuses::<api::Integer>(&object(&[("count", "1.5")]), &["floating point `1.5`", "an integer from 0 to 255"]);
    refuses::<api::Integer>(&object(&[("count", "256")]), &["`256`", "an integer from 0 to 255"]);
    for (name, value) in [
        ("count", "-1"),
        ("count", "null"),
        ("count", "\"1\""),
        ("prices", "null"),
        ("prices", "[9007199254740993]"),
        ("nick", "1.5"),
        ("pair", "[1, \"b\", 2]"),
        ("pair", "[1]"),
        ("pair", "{}"),
        ("when", "\"2020-02-29 12:00:00+01:00\""),
        ("more", "1.5"),
        ("kind", "0"),
        ("kind", "[]"),
        ("list", "[1]"),
        ("list", "{}"),
    ] {
        refuses::<api::Integer>(&object(&[(name, value)]), &[]);
    }
}

#[test]
fn items_of_a_tuple_are_read_by_the_reader_that_is_named() {
    let list: api::List = read("[1.0, \"a\", 2, 2.5]").unwrap();
    assert_eq!(list, api::List { item1: 1, item2: Some("a".to_owned()), rest: vec![2.0, 2.5] });
    for text in ["[]", "[1.5]", "[1, 2]", "[1, \"a\", 9007199254740993]", "{}"] {
        refuses::<api::List>(text, &[]);
    }
}

#[test]
fn a_rule_is_asked_about_all_that_was_read_and_about_what_is_made() {
    let period: api::Period = read(r#"{"from": 1.0, "until": 2, "ignored": []}"#).unwrap();
    assert_eq!((period.from, period.get().until), (Some(1), Some(2)));
    refuses::<api::Period>(r#"{"until": 2}"#, &["the member `from` is missing (`required`)"]);
    refuses::<api::Period>(
        r#"{"from": 2, "No": 1}"#,
        &["the member name \"No\"", "does not match ^[a-z]+$", "propertyNames"],
    );
    refuses::<api::Period>(r#"{"from": 1.5}"#, &["`/from`: expected an integer, found the number 1.5 (`type`)"]);
    let fields = |from, until| api::PeriodFields { from, until };
    assert!(api::Period::new(fields(Some(1), Some(2))).is_ok());
    assert_eq!(
        api::Period::try_from(fields(None, Some(2))).unwrap_err().to_string(),
        "the member `from` is missing (`required`)"
    );
    assert_eq!(period.into_inner(), fields(Some(1), Some(2)));
}

#[test]
fn newtypes_and_wrappers_read_by_the_reader_that_is_named() {
    assert_eq!(*read::<api::Even>("4.0").unwrap(), 4);
    refuses::<api::Even>("3", &["3 is not a multiple of 2"]);
    refuses::<api::Even>("4.5", &["an integer"]);
    assert_eq!(read::<api::Plain>("[1.0, 2]").unwrap(), api::Plain(vec![1, 2]));
    refuses::<api::Plain>("[1.5]", &[]);
}

#[test]
fn an_alternative_is_chosen_by_its_rule() {
    assert_eq!(read(r#"{"radius": 1}"#), Ok(api::Shape::Circle(api::Circle { radius: 1.0 })));
    assert_eq!(
        read(r#"{"side": 1, "radius": -1}"#),
        Ok(api::Shape::Square(api::Square { side: 1.0, radius: Some(-1.0) }))
    );
    assert_eq!(read("[1.0]"), Ok(api::Shape::Numbers(vec![1])));
    refuses::<api::Shape>(r#"{"side": 1, "radius": 1}"#, &["both `Circle` and `Square` of `Shape`"]);
    refuses::<api::Shape>(
        r#"{"radius": -1}"#,
        &["the nearest is `Circle`", "`/radius`: the number -1 is less than 0 (`minimum`)"],
    );
    refuses::<api::Shape>("[1, 1.5]", &["`Numbers`", "`/1`: expected an integer, found the number 1.5 (`type`)"]);
    assert!(matches!(read(r#"{"side": 1, "radius": 1}"#), Ok(api::Any::Square(_))));
    assert!(matches!(read(r#"{"radius": 1}"#), Ok(api::Any::Circle(_))));
    refuses::<api::Any>("1", &["no alternative of `Any`", "expected an object, found the number 1"]);
}

#[test]
fn a_union_that_only_one_may_accept_is_not_written_when_two_do() {
    let square = |radius| api::Shape::Square(api::Square { side: 1.0, radius });
    assert_eq!(write(&square(Some(-1.0))), serde_json::json!({"side": 1.0, "radius": -1.0}));
    let error = serde_json::to_string(&square(Some(1.0))).unwrap_err().to_string();
    assert!(error.contains("both `Circle` and `Square`"), "{error}");
    let error = serde_json::to_string(&api::Shape::Circle(api::Circle { radius: -1.0 })).unwrap_err().to_string();
    assert!(error.contains("the number -1.0 is less than 0"), "{error}");
}

#[test]
fn json_types_and_tags_choose_with_readers() {
    use api::Kinds;
    assert_eq!(read("null"), Ok(Kinds::Nothing(())));
    assert_eq!(read("true"), Ok(Kinds::Flag(true)));
    assert_eq!(read("2.0"), Ok(Kinds::Count(2)));
    assert_eq!(read("\"2020-02-29\""), Ok(Kinds::Date("2020-02-29".parse().unwrap())));
    assert_eq!(read("[1.0]"), Ok(Kinds::Counts(vec![1])));
    assert_eq!(read(r#"{"a": 1e1}"#), Ok(Kinds::Named([("a".to_owned(), 10)].into())));
    for text in ["1.5", "\"2020-2-29\"", "[1.5]", r#"{"a": null}"#] {
        refuses::<Kinds>(text, &[]);
    }
    assert!(matches!(
        read(r#"{"from": 1.0, "type": "time"}"#),
        Ok(api::Tagged::Period(api::PeriodFields { from: Some(1), .. }))
    ));
    refuses::<api::Tagged>(r#"{"from": 1.5, "type": "time"}"#, &["`/from`", "1.5"]);
    refuses::<api::Tagged>(r#"{"type": ""}"#, &["invalid type"]);
}

#[test]
fn an_enum_may_have_any_values() {
    use api::Mixed;
    for (text, expected) in [
        ("null", Mixed::Nothing),
        ("0.5", Mixed::Half),
        ("5e-1", Mixed::Half),
        ("true", Mixed::Yes),
        ("1", Mixed::One),
        ("1.0", Mixed::One),
        ("18446744073709551615", Mixed::Huge),
        ("[1.0, null]", Mixed::Pair),
        (r#"{"a": []}"#, Mixed::Member),
        ("\"x\"", Mixed::Text),
    ] {
        assert_eq!(read(text), Ok(expected), "{text}");
    }
    for text in ["false", "2", "0.25", "\"y\"", "[]", "{}", "[1, null, 2]", "18446744073709551614", "-1"] {
        refuses::<Mixed>(text, &["one of the values of `Mixed`"]);
    }
    for value in Mixed::ALL {
        assert_eq!(read::<Mixed>(&write(value).to_string()).unwrap(), *value);
        assert_eq!(serde_json::from_str::<Mixed>(&value.to_string()).unwrap(), *value);
    }
}

#[test]
fn an_open_enum_keeps_what_the_document_does_not_list() {
    use api::Colour;
    assert_eq!(read("\"red\""), Ok(Colour::Red));
    assert_eq!(read("\"blue\""), Ok(Colour::Other("blue".to_owned())));
    assert_eq!("green".parse(), Ok::<_, std::convert::Infallible>(Colour::Green));
    assert_eq!(write(&Colour::Other("blue".to_owned())), "blue");
    assert_eq!((Colour::from("blue").as_str(), Colour::Red.to_string()), ("blue", "red".to_owned()));
    assert_eq!(Colour::ALL, &[Colour::Red, Colour::Green]);
    refuses::<Colour>("1", &["expected a string"]);
}
