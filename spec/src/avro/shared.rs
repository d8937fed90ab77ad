//! Which named types of several payloads are the same.
//!
//! Each Avro schema is complete in itself, so documents define a record that two payloads share in both. Two
//! definitions of one full name are one type when they say the same, and all types that they lead to say the same.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Kind, Named, NamedId, NamedKind, Schemas, Type};

/// What a type and all that it leads to say, in 128 bits.
type Meaning = (u64, u64);

/// Payloads with more named types than this share them as a whole or not at all: telling them apart one by one takes
/// the square of their number.
const MAX_APART: usize = 1000;

/// The types of the payloads that were read so far.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    known: HashMap<Meaning, NamedId>,
    /// How many types were read, of which the whole document may have so many.
    pub(super) types: usize,
}

impl Shared {
    /// Takes over what one payload defines, and makes `root` refer to it. In `local`, ids are those of the payload.
    pub(super) fn join(&mut self, schemas: &mut Schemas, local: Schemas, root: &mut Type) {
        let meanings = meanings(&local);
        let mut ids = Vec::with_capacity(meanings.len());
        let mut new = Vec::new();
        for (named, meaning) in local.named.into_iter().zip(meanings) {
            let next = NamedId((schemas.named.len() + new.len()) as u32);
            let id = *self.known.entry(meaning).or_insert(next);
            if id == next {
                new.push(named);
            }
            ids.push(id);
        }
        for mut named in new {
            if let NamedKind::Record(fields) = &mut named.kind {
                fields.iter_mut().for_each(|field| rename(&mut field.ty, &ids));
            }
            schemas.named.push(named);
        }
        rename(root, &ids);
    }
}

fn rename(ty: &mut Type, ids: &[NamedId]) {
    match &mut ty.kind {
        Kind::Primitive(..) => {}
        Kind::Array(inner) | Kind::Map(inner) => rename(inner, ids),
        Kind::Union(branches) => branches.iter_mut().for_each(|branch| rename(branch, ids)),
        Kind::Named(id) => *id = ids[id.0 as usize],
    }
}

/// The meaning of each type. Within a payload every full name has one definition, so what a type leads to is a set of
/// statements, and the meaning is the sum of their hashes.
fn meanings(schemas: &Schemas) -> Vec<Meaning> {
    let mut statements = Vec::with_capacity(schemas.named.len());
    let mut leads_to = Vec::with_capacity(schemas.named.len());
    for named in &schemas.named {
        let mut statement = Statement { schemas, text: String::new(), leads_to: Vec::new() };
        statement.named(named);
        statements.push(hash(&(&named.name, &statement.text)));
        leads_to.push(statement.leads_to);
    }
    let whole = statements.iter().copied().fold((0, 0), add);
    let mut seen = vec![usize::MAX; statements.len()];
    let of = |start: usize| {
        let own = hash(&schemas.named[start].name);
        if statements.len() > MAX_APART {
            return add(own, whole);
        }
        let (mut sum, mut pending) = (own, vec![start]);
        while let Some(at) = pending.pop() {
            if std::mem::replace(&mut seen[at], start) != start {
                sum = add(sum, statements[at]);
                pending.extend(leads_to[at].iter().map(|id| id.0 as usize));
            }
        }
        sum
    };
    (0..statements.len()).map(of).collect()
}

fn add(a: Meaning, b: Meaning) -> Meaning {
    (a.0.wrapping_add(b.0), a.1.wrapping_add(b.1))
}

fn hash(value: &impl Hash) -> Meaning {
    let mut hashers = (DefaultHasher::new(), DefaultHasher::new());
    1u8.hash(&mut hashers.1);
    value.hash(&mut hashers.0);
    value.hash(&mut hashers.1);
    (hashers.0.finish(), hashers.1.finish())
}

/// What a definition says on its own: types that it refers to by name count by their names, and documentation does not
/// count.
struct Statement<'s> {
    schemas: &'s Schemas,
    text: String,
    leads_to: Vec<NamedId>,
}

impl Statement<'_> {
    fn named(&mut self, named: &Named) {
        self.text.push_str(&format!("{:?} ", named.aliases));
        match &named.kind {
            NamedKind::Record(fields) => {
                for field in fields {
                    self.text.push_str(&format!("{} {:?} ", field.name, field.aliases));
                    self.ty(&field.ty);
                    if let Some(default) = &field.default {
                        self.text.push_str(&format!(" = {}", default.encoded));
                    }
                    self.text.push(';');
                }
            }
            other => self.text.push_str(&format!("{other:?}")),
        }
    }

    fn ty(&mut self, ty: &Type) {
        match &ty.kind {
            Kind::Primitive(primitive, logical) => self.text.push_str(&format!("{} {logical:?}", primitive.name())),
            Kind::Array(inner) | Kind::Map(inner) => {
                self.text.push_str(self.schemas.branch_name(ty));
                self.text.push('<');
                self.ty(inner);
                self.text.push('>');
            }
            Kind::Union(branches) => {
                for branch in branches {
                    self.text.push('|');
                    self.ty(branch);
                }
                self.text.push('|');
            }
            Kind::Named(id) => {
                self.text.push_str(&self.schemas[*id].name);
                self.leads_to.push(*id);
            }
        }
    }
}
