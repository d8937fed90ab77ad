//! Avro's binary encoding ("Binary Encoding"), from and to its JSON encoding.
//!
//! Written by hand rather than with the `apache-avro` crate, which is the oracle of the tests: that one reads as deep as
//! the input says, and takes half a gigabyte for five bytes that announce an array of nothings. Bytes from elsewhere
//! must not do that: what is read here is bounded by the length of the input.

use serde_json::{Map, Number, Value};

use super::{AvroError, Kind, Schema, Shape};

/// How deep values may be nested: as deep as JSON text may be for `serde_json`.
const MAX_DEPTH: usize = 128;

/// Items that take no bytes, such as `null`, cannot be counted by the bytes that are left.
const MAX_EMPTY_ITEMS: usize = 1 << 16;

/// The binary encoding of a value that is given in the JSON encoding.
pub(crate) fn encode(schema: &Schema, value: &Value) -> Result<Vec<u8>, AvroError> {
    let mut encoder = Encoder { schema, out: Vec::new(), path: Vec::new() };
    encoder.write(&schema.root, value)?;
    Ok(encoder.out)
}

struct Encoder<'a> {
    schema: &'a Schema,
    out: Vec<u8>,
    /// Names of fields and indexes of items on the way to the value.
    path: Vec<String>,
}

impl Encoder<'_> {
    fn write(&mut self, shape: &Shape, value: &Value) -> Result<(), AvroError> {
        match (shape, value) {
            (Shape::Null, Value::Null) => {}
            (Shape::Boolean, Value::Bool(value)) => self.out.push(u8::from(*value)),
            (Shape::Int, Value::Number(number)) => match number.as_i64().and_then(|value| i32::try_from(value).ok()) {
                Some(value) => self.long(value.into()),
                None => return Err(self.mismatch(shape, value)),
            },
            (Shape::Long, Value::Number(number)) => match number.as_i64() {
                Some(value) => self.long(value),
                None => return Err(self.mismatch(shape, value)),
            },
            (Shape::Float, Value::Number(number)) => match number.as_f64() {
                Some(value) => self.out.extend((value as f32).to_le_bytes()),
                None => return Err(self.mismatch(shape, value)),
            },
            (Shape::Double, Value::Number(number)) => match number.as_f64() {
                Some(value) => self.out.extend(value.to_le_bytes()),
                None => return Err(self.mismatch(shape, value)),
            },
            (Shape::Bytes, Value::String(text)) => {
                let bytes = bytes_of(text).ok_or_else(|| self.mismatch(shape, value))?;
                self.long(bytes.len() as i64);
                self.out.extend(bytes);
            }
            (Shape::String, Value::String(text)) => self.text(text),
            (Shape::Array(shape), Value::Array(items)) => {
                if !items.is_empty() {
                    self.long(items.len() as i64);
                }
                for (index, item) in items.iter().enumerate() {
                    self.inside(index.to_string(), shape, item)?;
                }
                self.out.push(0);
            }
            (Shape::Map(shape), Value::Object(members)) => {
                if !members.is_empty() {
                    self.long(members.len() as i64);
                }
                for (name, member) in members {
                    self.text(name);
                    self.inside(name.clone(), shape, member)?;
                }
                self.out.push(0);
            }
            (Shape::Union(branches), value) => return self.union(branches, shape, value),
            (Shape::Named(id), value) => return self.named(*id, shape, value),
            _ => return Err(self.mismatch(shape, value)),
        }
        Ok(())
    }

    fn union(&mut self, branches: &[(String, Shape)], shape: &Shape, value: &Value) -> Result<(), AvroError> {
        let (name, inner) = match value {
            Value::Null => ("null", value),
            Value::Object(object) if object.len() == 1 => match object.iter().next() {
                Some((name, inner)) => (name.as_str(), inner),
                None => return Err(self.mismatch(shape, value)),
            },
            _ => return Err(self.mismatch(shape, value)),
        };
        let found = branches.iter().enumerate().find(|(_, (branch, _))| branch == name);
        let Some((index, (_, branch))) = found else { return Err(self.mismatch(shape, value)) };
        self.long(index as i64);
        self.write(branch, inner)
    }

    fn named(&mut self, id: usize, shape: &Shape, value: &Value) -> Result<(), AvroError> {
        let schema = self.schema;
        match (&schema.named[id].kind, value) {
            (Kind::Record(fields), Value::Object(members)) => {
                for (name, shape) in fields {
                    let member = members.get(name).ok_or_else(|| self.mismatch(shape, &Value::Null))?;
                    self.inside(name.clone(), shape, member)?;
                }
                Ok(())
            }
            (Kind::Enum(symbols), Value::String(symbol)) => {
                let index = symbols.iter().position(|known| known == symbol);
                let index = index.ok_or_else(|| self.mismatch(shape, value))?;
                self.long(index as i64);
                Ok(())
            }
            (Kind::Fixed(size), Value::String(text)) => match bytes_of(text).filter(|bytes| bytes.len() == *size) {
                Some(bytes) => {
                    self.out.extend(bytes);
                    Ok(())
                }
                None => Err(self.mismatch(shape, value)),
            },
            _ => Err(self.mismatch(shape, value)),
        }
    }

    fn inside(&mut self, step: String, shape: &Shape, value: &Value) -> Result<(), AvroError> {
        self.path.push(step);
        self.write(shape, value)?;
        self.path.pop();
        Ok(())
    }

    fn text(&mut self, text: &str) {
        self.long(text.len() as i64);
        self.out.extend(text.as_bytes());
    }

    /// Zigzag, then seven bits a byte, the lowest first.
    fn long(&mut self, value: i64) {
        let mut rest = ((value << 1) ^ (value >> 63)) as u64;
        while rest >= 0x80 {
            self.out.push((rest as u8) | 0x80);
            rest >>= 7;
        }
        self.out.push(rest as u8);
    }

    #[cold]
    fn mismatch(&self, shape: &Shape, value: &Value) -> AvroError {
        let problem = match value {
            Value::Null => "there is no value".to_owned(),
            Value::Bool(_) | Value::Number(_) => format!("there is {value}"),
            Value::String(_) => "there is a text that is none of its values".to_owned(),
            Value::Array(_) => "there is an array".to_owned(),
            Value::Object(_) => "there is an object that is none of its values".to_owned(),
        };
        let path = if self.path.is_empty() { ".".to_owned() } else { self.path.join(".") };
        AvroError::Mismatch { path, problem, expected: self.schema.name(shape).to_owned() }
    }
}

/// The bytes of a text of the code points 0 to 255.
pub(crate) fn bytes_of(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

/// The text of the code points 0 to 255 that stands for bytes.
pub(crate) fn text_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The JSON encoding of a value that is given in the binary encoding.
pub(crate) fn decode(schema: &Schema, bytes: &[u8]) -> Result<Value, AvroError> {
    let mut decoder = Decoder { schema, bytes, at: 0, empty_items: MAX_EMPTY_ITEMS };
    let value = decoder.read(&schema.root, 0)?;
    let rest = bytes.len() - decoder.at;
    if rest > 0 {
        return Err(decoder.error(format!(
            "the value ends here, but there is more ({rest} of {} bytes): was it written with another schema?",
            bytes.len()
        )));
    }
    Ok(value)
}

struct Decoder<'a> {
    schema: &'a Schema,
    bytes: &'a [u8],
    at: usize,
    /// How many more items without bytes may come.
    empty_items: usize,
}

impl<'a> Decoder<'a> {
    fn read(&mut self, shape: &Shape, depth: usize) -> Result<Value, AvroError> {
        if depth > MAX_DEPTH {
            return Err(self.error(format!("values are nested more than {MAX_DEPTH} levels deep")));
        }
        Ok(match shape {
            Shape::Null => Value::Null,
            Shape::Boolean => match self.take(1)? {
                [0] => Value::Bool(false),
                [1] => Value::Bool(true),
                _ => return Err(self.error("a boolean is neither 0 nor 1")),
            },
            Shape::Int => match i32::try_from(self.long()?) {
                Ok(value) => value.into(),
                Err(_) => return Err(self.error("an int does not fit into 32 bits")),
            },
            Shape::Long => self.long()?.into(),
            Shape::Float => {
                let value = self.array().map(f32::from_le_bytes)?;
                self.number(value.into())?
            }
            Shape::Double => {
                let value = self.array().map(f64::from_le_bytes)?;
                self.number(value)?
            }
            Shape::Bytes => {
                let length = self.length()?;
                Value::String(text_of(self.take(length)?))
            }
            Shape::String => Value::String(self.text()?),
            Shape::Array(shape) => {
                let mut items = Vec::new();
                self.blocks(|decoder| {
                    items.push(decoder.read(shape, depth + 1)?);
                    Ok(())
                })?;
                Value::Array(items)
            }
            Shape::Map(shape) => {
                let mut members = Map::new();
                self.blocks(|decoder| {
                    let name = decoder.text()?;
                    let value = decoder.read(shape, depth + 1)?;
                    if members.insert(name, value).is_some() {
                        return Err(decoder.error("a map has a key twice"));
                    }
                    Ok(())
                })?;
                Value::Object(members)
            }
            Shape::Union(branches) => {
                let index = self.index(branches.len())?;
                let (name, branch) = &branches[index];
                let value = self.read(branch, depth + 1)?;
                match branch {
                    Shape::Null => value,
                    _ => Value::Object(Map::from_iter([(name.clone(), value)])),
                }
            }
            Shape::Named(id) => return self.named(*id, depth),
        })
    }

    fn named(&mut self, id: usize, depth: usize) -> Result<Value, AvroError> {
        let schema = self.schema;
        Ok(match &schema.named[id].kind {
            Kind::Record(fields) => {
                let mut members = Map::new();
                for (name, shape) in fields {
                    members.insert(name.clone(), self.read(shape, depth + 1)?);
                }
                Value::Object(members)
            }
            Kind::Enum(symbols) => {
                let index = self.index(symbols.len())?;
                Value::String(symbols[index].clone())
            }
            Kind::Fixed(size) => Value::String(text_of(self.take(*size)?)),
        })
    }

    /// Items in blocks: a count and that many items, until a count of 0. A negative count has a length in bytes behind
    /// it, which is for those who skip.
    fn blocks(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), AvroError>) -> Result<(), AvroError> {
        loop {
            let count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                self.long()?;
            }
            for _ in 0..count.unsigned_abs() {
                let before = self.at;
                item(self)?;
                if self.at == before {
                    let left = self.empty_items.checked_sub(1);
                    self.empty_items = left.ok_or_else(|| self.error("too many items that take no bytes"))?;
                }
            }
        }
    }

    fn index(&mut self, count: usize) -> Result<usize, AvroError> {
        let index = self.long()?;
        let known = usize::try_from(index).ok().filter(|index| *index < count);
        known.ok_or_else(|| self.error(format!("number {index} is none of {count} branches or symbols")))
    }

    fn number(&self, value: f64) -> Result<Value, AvroError> {
        let number = Number::from_f64(value);
        number.map(Value::Number).ok_or_else(|| self.error("a number is infinite or none, which JSON cannot say"))
    }

    fn text(&mut self) -> Result<String, AvroError> {
        let length = self.length()?;
        let bytes = self.take(length)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(self.error("a string is not UTF-8")),
        }
    }

    fn length(&mut self) -> Result<usize, AvroError> {
        let length = self.long()?;
        usize::try_from(length).map_err(|_| self.error(format!("{length} is no length")))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], AvroError> {
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.get(..count));
        let taken = taken.ok_or_else(|| self.error("the input ends before the value does"))?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], AvroError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    fn long(&mut self) -> Result<i64, AvroError> {
        let mut value = 0u64;
        for index in 0..10 {
            let byte = self.take(1)?[0];
            // The tenth byte has but one bit of 64 left.
            if index == 9 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(self.error("an integer does not fit into 64 bits"))
    }

    #[cold]
    fn error(&self, problem: impl Into<String>) -> AvroError {
        AvroError::Bytes { offset: self.at, problem: problem.into() }
    }
}
