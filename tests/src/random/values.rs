//! Random values that a schema nearly accepts: built along its keywords, and then changed in a place or two.

use serde_json::{Map, Value, json};

use super::Random;

/// Names of members, so few that they meet.
pub(super) const NAMES: [&str; 7] = ["a", "b", "c", "x-a", "kind", "two words", "type"];

/// Patterns, each with strings that match.
pub(super) const PATTERNS: [(&str, [&str; 2]); 7] = [
    ("^a", ["a", "abc"]),
    ("b$", ["b", "ab"]),
    ("^[a-z]+$", ["kind", "c"]),
    ("^x-", ["x-a", "x-"]),
    ("[0-9]{2}", ["12", "a123"]),
    ("^\\w{1,3}$", ["c", "a_1"]),
    ("a|c", ["c", "xa"]),
];

/// Formats, each with strings that are of it; the last is an annotation.
pub(super) const FORMATS: [(&str, [&str; 2]); 6] = [
    ("date-time", ["2020-01-02T03:04:05Z", "1999-12-31T23:59:59.5+02:00"]),
    ("date", ["2020-02-29", "1999-12-31"]),
    ("uuid", ["0190163d-8694-739b-aea5-966c26f8ad91", "00000000-0000-0000-0000-000000000000"]),
    ("ipv4", ["127.0.0.1", "255.255.255.255"]),
    ("ipv6", ["::1", "2001:db8::8a2e:370:7334"]),
    ("email", ["somebody@example.com", "nobody"]),
];

const STRINGS: [&str; 12] =
    ["", "a", "b", "abc", "x-a", "12", "A", "kind", "\u{e9}", "\u{1f600}", "two words", "a long enough text"];

/// A null, a boolean, a number or a string.
pub(super) fn any_scalar(random: &mut Random) -> Value {
    match random.below(8) {
        0 => Value::Null,
        1 => random.chance(50).into(),
        2 | 3 => (random.below(12) as i64 - 3).into(),
        4 => random.pick(&[json!(0.5), json!(1.5), json!(-0.25), json!(2.0), json!(0.3), json!(1e6)]).clone(),
        5 => random.pick(&FORMATS).1[random.below(2)].into(),
        _ => (*random.pick(&STRINGS)).into(),
    }
}

/// Any value at all.
pub(super) fn any_value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 4 } else { 7 }) {
        4 => (0..random.below(4)).map(|_| any_value(random, depth - 1)).collect(),
        5 | 6 => {
            let names = random.some(&NAMES, 30);
            Value::Object(names.into_iter().map(|name| ((*name).to_owned(), any_value(random, depth - 1))).collect())
        }
        _ => any_scalar(random),
    }
}

/// A value that the schema accepts or nearly does; now and then one that has nothing to do with it.
pub fn value_near(schema: &Value, random: &mut Random) -> Value {
    if random.chance(8) {
        return any_value(random, 2);
    }
    let mut value = Guide { root: schema, random }.value(schema, 5);
    for _ in 0..*random.pick(&[0, 0, 1, 1, 2]) {
        change(&mut value, random);
    }
    value
}

/// A value as JSON text, in which integers are spelled in other ways at times.
pub fn spell(value: &Value, random: &mut Random) -> String {
    match value {
        Value::Number(number) if number.is_i64() && random.chance(6) => {
            let ending = *random.pick(&[".0", "e0", ".00", "E+0"]);
            format!("{number}{ending}")
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| spell(item, random)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{}:{}", json!(name), spell(value, random))).collect();
            format!("{{{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}

/// Changes one place.
fn change(value: &mut Value, random: &mut Random) {
    match value {
        Value::Array(items) if !items.is_empty() && random.chance(70) => {
            let place = random.below(items.len());
            return change(&mut items[place], random);
        }
        Value::Object(members) if !members.is_empty() && random.chance(70) => {
            let place = random.below(members.len());
            if let Some(member) = members.values_mut().nth(place) {
                return change(member, random);
            }
        }
        _ => {}
    }
    match value {
        Value::Array(items) => match random.below(4) {
            0 => drop(items.pop()),
            1 if !items.is_empty() => items.push(items[0].clone()),
            2 => items.push(any_scalar(random)),
            _ => *value = any_value(random, 1),
        },
        Value::Object(members) => {
            let name = (*random.pick(&NAMES)).to_owned();
            match random.below(4) {
                0 => {
                    let first = members.keys().nth(random.below(members.len())).cloned();
                    first.map(|name| members.remove(&name));
                }
                1 => drop(members.insert(name, Value::Null)),
                2 => drop(members.insert(name, any_scalar(random))),
                _ => *value = any_value(random, 1),
            }
        }
        Value::Number(number) if random.chance(60) => {
            let near = number.as_f64().unwrap_or_default() + random.pick(&[1.0, -1.0, 0.5, 10.0]);
            *value = if near.fract() == 0.0 { (near as i64).into() } else { near.into() };
        }
        Value::String(text) if random.chance(60) => match random.below(3) {
            0 => text.push_str(STRINGS[random.below(STRINGS.len())]),
            1 => drop(text.pop()),
            _ => text.insert(0, 'Z'),
        },
        other => *other = any_value(random, 1),
    }
}

/// Builds values along schemas.
struct Guide<'s, 'r> {
    root: &'s Value,
    random: &'r mut Random,
}

impl Guide<'_, '_> {
    fn value(&mut self, schema: &Value, depth: usize) -> Value {
        let Value::Object(_) = schema else { return any_value(self.random, depth.min(1)) };
        if depth == 0 {
            return any_scalar(self.random);
        }
        let mut keywords = Map::new();
        self.flatten(schema, &mut keywords, 8);
        if let Some(value) = keywords.get("const") {
            return value.clone();
        }
        if let Some(Value::Array(values)) = keywords.get("enum")
            && !values.is_empty()
        {
            return self.random.pick(values).clone();
        }
        match self.choose_type(&keywords) {
            "string" => self.string(&keywords).into(),
            "integer" => (self.number(&keywords).round() as i64).into(),
            "number" => {
                let number = self.number(&keywords);
                if number.fract() == 0.0 { (number as i64).into() } else { number.into() }
            }
            "array" => self.array(&keywords, depth),
            "object" => self.object(&keywords, depth),
            "boolean" => self.random.chance(50).into(),
            _ => Value::Null,
        }
    }

    /// All keywords that apply when one alternative of each union is taken.
    fn flatten(&mut self, schema: &Value, all: &mut Map<String, Value>, depth: usize) {
        let Value::Object(keywords) = schema else { return };
        if depth == 0 {
            return;
        }
        for (keyword, value) in keywords {
            match (keyword.as_str(), value) {
                ("$ref", Value::String(reference)) => {
                    let pointer = reference.trim_start_matches('#').replace("%20", " ");
                    if let Some(target) = self.root.pointer(&pointer) {
                        self.flatten(&target.clone(), all, depth - 1);
                    }
                }
                ("allOf", Value::Array(parts)) => parts.iter().for_each(|part| self.flatten(part, all, depth - 1)),
                ("anyOf" | "oneOf", Value::Array(parts)) if !parts.is_empty() => {
                    let part = self.random.pick(parts).clone();
                    self.flatten(&part, all, depth - 1);
                }
                ("if", condition) if self.random.chance(50) => {
                    self.flatten(condition, all, depth - 1);
                    if let Some(then) = keywords.get("then") {
                        self.flatten(then, all, depth - 1);
                    }
                }
                ("else", otherwise) if self.random.chance(50) => self.flatten(otherwise, all, depth - 1),
                ("if" | "then" | "else" | "not", _) => {}
                ("properties" | "patternProperties", Value::Object(members)) => {
                    let known = all.entry(keyword.clone()).or_insert_with(|| json!({}));
                    for (name, member) in members {
                        let both = match known.get(name) {
                            Some(known) => json!({ "allOf": [known, member] }),
                            None => member.clone(),
                        };
                        known[name] = both;
                    }
                }
                ("required", Value::Array(names)) => {
                    if let Value::Array(known) = all.entry(keyword.clone()).or_insert_with(|| json!([])) {
                        known.extend(names.iter().cloned());
                    }
                }
                _ => drop(all.insert(keyword.clone(), value.clone())),
            }
        }
    }

    fn choose_type(&mut self, keywords: &Map<String, Value>) -> &'static str {
        const ALL: [&str; 7] = ["string", "integer", "number", "array", "object", "boolean", "null"];
        let known = |name: &Value| ALL.iter().find(|one| name == **one).copied();
        let mut types: Vec<&'static str> = match keywords.get("type") {
            Some(Value::Array(names)) => names.iter().filter_map(known).collect(),
            Some(name) => known(name).into_iter().collect(),
            None => Vec::new(),
        };
        if types.is_empty() {
            let speaks = |names: &[&str]| names.iter().any(|name| keywords.contains_key(*name));
            let of_object = ["properties", "required", "additionalProperties", "patternProperties", "propertyNames"];
            for (name, of_type) in [
                ("object", speaks(&of_object) || speaks(&["minProperties", "maxProperties", "dependencies"])),
                ("array", speaks(&["items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"])),
                ("number", speaks(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"])),
                ("string", speaks(&["pattern", "minLength", "maxLength", "format"])),
            ] {
                if of_type {
                    types.push(name);
                }
            }
        }
        let names = if types.is_empty() || self.random.chance(3) { ALL.as_slice() } else { types.as_slice() };
        names[self.random.below(names.len())]
    }

    fn string(&mut self, keywords: &Map<String, Value>) -> String {
        let text_of = |keyword: &str| keywords.get(keyword).and_then(Value::as_str);
        let pattern = text_of("pattern").and_then(|text| PATTERNS.iter().find(|(pattern, _)| *pattern == text));
        let format = text_of("format").and_then(|text| FORMATS.iter().find(|(format, _)| *format == text));
        let mut text = match pattern.or(format) {
            Some((_, samples)) => samples[self.random.below(2)].to_owned(),
            None => (*self.random.pick(&STRINGS)).to_owned(),
        };
        let length = |keyword: &str| keywords.get(keyword).and_then(Value::as_u64).map(|length| length as usize);
        while length("minLength").is_some_and(|length| text.chars().count() < length) {
            text.push(*self.random.pick(&['a', 'b', '\u{e9}']));
        }
        if let Some(most) = length("maxLength")
            && format.is_none()
        {
            text = text.chars().take(most).collect();
        }
        text
    }

    fn number(&mut self, keywords: &Map<String, Value>) -> f64 {
        let bound = |keyword: &str| keywords.get(keyword).and_then(Value::as_f64);
        let mut candidates = vec![0.0, 1.0, 3.0, 4.5, 1000.0];
        for keyword in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"] {
            if let Some(value) = bound(keyword) {
                candidates.extend([value, value + 1.0, value - 1.0, value * 3.0]);
            }
        }
        let fits = |value: &f64| {
            bound("minimum").is_none_or(|least| *value >= least)
                && bound("maximum").is_none_or(|most| *value <= most)
                && bound("exclusiveMinimum").is_none_or(|below| *value > below)
                && bound("exclusiveMaximum").is_none_or(|above| *value < above)
        };
        let fitting: Vec<f64> = candidates.iter().copied().filter(fits).collect();
        let chosen = if fitting.is_empty() || self.random.chance(10) { &candidates } else { &fitting };
        // No digits that only binary fractions have.
        (self.random.pick(chosen) * 100.0).round() / 100.0
    }

    fn array(&mut self, keywords: &Map<String, Value>, depth: usize) -> Value {
        let first = match (keywords.get("prefixItems"), keywords.get("items")) {
            (Some(Value::Array(first)), _) | (None, Some(Value::Array(first))) => first.clone(),
            _ => Vec::new(),
        };
        let rest = match keywords.get("items") {
            Some(Value::Array(_)) => keywords.get("additionalItems"),
            rest => rest,
        };
        let count = |keyword: &str| keywords.get(keyword).and_then(Value::as_u64).map(|count| count as usize);
        let mut length = first.len() + self.random.below(3);
        if rest == Some(&Value::Bool(false)) {
            length = first.len();
        }
        length = length.max(count("minItems").unwrap_or_default()).min(count("maxItems").unwrap_or(6));
        let any = Value::Bool(true);
        let mut items: Vec<Value> = Vec::new();
        for index in 0..length {
            let item = self.value(first.get(index).or(rest).unwrap_or(&any), depth - 1);
            if keywords.get("uniqueItems") != Some(&Value::Bool(true)) || !items.contains(&item) {
                items.push(item);
            }
        }
        if let Some(contained) = keywords.get("contains") {
            let item = self.value(contained, depth - 1);
            match items.last_mut() {
                Some(last) => *last = item,
                None => items.push(item),
            }
        }
        Value::Array(items)
    }

    fn object(&mut self, keywords: &Map<String, Value>, depth: usize) -> Value {
        let mut names: Vec<String> = Vec::new();
        if let Some(Value::Object(properties)) = keywords.get("properties") {
            names.extend(properties.keys().filter(|_| self.random.chance(55)).cloned());
        }
        if let Some(Value::Array(required)) = keywords.get("required") {
            names.extend(required.iter().filter_map(Value::as_str).map(str::to_owned));
        }
        let is_open = keywords.get("additionalProperties") != Some(&Value::Bool(false));
        let least = keywords.get("minProperties").and_then(Value::as_u64).unwrap_or_default() as usize;
        if is_open && (names.len() < least || self.random.chance(35)) {
            names.extend(self.random.some(&NAMES, 25).into_iter().map(|name| (*name).to_owned()));
        }
        for keyword in ["dependencies", "dependentRequired"] {
            if let Some(Value::Object(dependencies)) = keywords.get(keyword) {
                let needed = dependencies.iter().filter(|(name, _)| names.contains(name)).map(|(_, needed)| needed);
                let needed: Vec<String> =
                    needed.filter_map(Value::as_array).flatten().filter_map(Value::as_str).map(str::to_owned).collect();
                names.extend(needed);
            }
        }
        let any = Value::Bool(true);
        let members = names.into_iter().map(|name| {
            let schema = keywords.get("properties").and_then(|properties| properties.get(&name));
            let by_pattern = || {
                let Some(Value::Object(patterns)) = keywords.get("patternProperties") else { return None };
                let fits = |pattern: &str| {
                    PATTERNS.iter().any(|(known, samples)| *known == pattern && samples.contains(&name.as_str()))
                };
                patterns.iter().find(|(pattern, _)| fits(pattern)).map(|(_, schema)| schema)
            };
            let schema = schema.or_else(by_pattern).or_else(|| keywords.get("additionalProperties")).unwrap_or(&any);
            let value = self.value(schema, depth - 1);
            (name, value)
        });
        Value::Object(members.collect())
    }
}
