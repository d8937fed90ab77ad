//! How a value of one version becomes one of a later version: what is the same stays, containers are gone through, and
//! types of which only parts differ are converted part by part. For all others an `Upcast` is asked for, which the
//! compiler then demands.

use std::collections::{BTreeMap, HashSet};

use super::alike::{self, Inside, Measure, Pairs};
use crate::ir::{Api, Boxing, Construction, Conversion, DefinitionId, Kind, Members, Type, TypeOf, UpcastImpl};

/// A definition of one of the versions.
type Id = TypeOf<DefinitionId>;

/// Finds conversions, and collects those that are to be written out.
pub(super) struct Converter<'a> {
    apis: &'a [Api],
    /// For each version, which of its definitions are which of the next one.
    reused: &'a [BTreeMap<DefinitionId, DefinitionId>],
    seen: HashSet<(Id, Id)>,
    /// For each version, the conversions to its types.
    pub(super) written_out: Vec<Vec<UpcastImpl>>,
}

impl<'a> Converter<'a> {
    pub(super) fn new(apis: &'a [Api], reused: &'a [BTreeMap<DefinitionId, DefinitionId>]) -> Self {
        Converter { apis, reused, seen: HashSet::new(), written_out: vec![Vec::new(); apis.len()] }
    }

    /// How a value of the type `old` becomes one of `new`; `None` when nobody can say: both are types that the module
    /// does not own, for which Rust allows no `impl`.
    pub(super) fn conversion<'t>(&mut self, old: TypeOf<&'t Type>, new: TypeOf<&'t Type>) -> Option<Conversion> {
        let old_in = |ty: &'t Type| TypeOf { version: old.version, ty };
        let new_in = |ty: &'t Type| TypeOf { version: new.version, ty };
        match (old.ty, new.ty) {
            (Type::Boxed(a), Type::Boxed(b)) => {
                let inner = self.conversion(old_in(a), new_in(b))?;
                Some(boxed(Boxing::Boxed, Boxing::Boxed, inner))
            }
            (Type::Boxed(a), _) => {
                let inner = self.conversion(old_in(a), new)?;
                Some(boxed(Boxing::Boxed, Boxing::Plain, inner))
            }
            (_, Type::Boxed(b)) => {
                let inner = self.conversion(old, new_in(b))?;
                Some(boxed(Boxing::Plain, Boxing::Boxed, inner))
            }
            (Type::Nullable(a), Type::Nullable(b)) => {
                Some(within(self.conversion(old_in(a), new_in(b))?, Conversion::Nullable))
            }
            (Type::List(a), Type::List(b)) => Some(within(self.conversion(old_in(a), new_in(b))?, Conversion::List)),
            (Type::Map(a), Type::Map(b)) => Some(within(self.conversion(old_in(a), new_in(b))?, Conversion::Map)),
            (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
                let items = a.iter().zip(b).map(|(a, b)| self.conversion(old_in(a), new_in(b)));
                let items: Vec<Conversion> = items.collect::<Option<_>>()?;
                let same = items.iter().all(|item| *item == Conversion::Same);
                Some(if same { Conversion::Same } else { Conversion::Tuple(items) })
            }
            (Type::Named(a), Type::Named(b)) => {
                let (a, b) = (self.home(old.version, *a), self.home(new.version, *b));
                if a == b {
                    return Some(Conversion::Same);
                }
                self.write_out(a.clone(), b.clone());
                let named = |id: Id| TypeOf { version: id.version, ty: Type::Named(id.ty) };
                Some(Conversion::Upcast { from: named(a), to: named(b) })
            }
            (a, b) if a == b => Some(Conversion::Same),
            (a, b) if owned(a) || owned(b) => {
                let (from, to) = (old.version, new.version);
                let (from, to) = (TypeOf { version: from, ty: a.clone() }, TypeOf { version: to, ty: b.clone() });
                Some(Conversion::Upcast { from, to })
            }
            _ => None,
        }
    }

    /// Where a definition is written: the last of the versions that have it.
    fn home(&self, version: usize, id: DefinitionId) -> Id {
        let mut home = Id { version, ty: id };
        while let Some(next) = self.reused.get(home.version).and_then(|reused| reused.get(&home.ty)) {
            home = Id { version: home.version + 1, ty: *next };
        }
        home
    }

    /// Writes the conversion out if only types inside differ, and all of those can be converted.
    fn write_out(&mut self, old: Id, new: Id) {
        if !self.seen.insert((old.clone(), new.clone())) {
            return;
        }
        let apis = self.apis;
        let (old_api, new_api) = (&apis[old.version], &apis[new.version]);
        let Some(inside) = alike::inside((old_api, old.ty), (new_api, new.ty), Measure::Convertible) else { return };
        let kept = alike::kept(&old_api.types[old.ty], &new_api.types[new.ty]);
        // Asked of all members first: what one of them is found to need would be asked for although nothing needs it.
        let is_another = |(a, b): (&Inside<'_>, &Inside<'_>)| {
            a.options != b.options || self.is_another(old.version, a.ty, new.version, b.ty)
        };
        if inside.iter().chain(&kept).map(|(a, b)| (a, b)).any(is_another) {
            return;
        }
        if let Some(members) = self.members(&old, &new, inside, kept) {
            self.written_out[new.version].push(UpcastImpl { from: old, to: new.ty, members });
        }
    }

    fn members(
        &mut self,
        old: &Id,
        new: &Id,
        inside: Pairs<'a>,
        kept: Option<(Inside<'a>, Inside<'a>)>,
    ) -> Option<Members> {
        let apis = self.apis;
        let (old_kind, new_kind) = (&apis[old.version].types[old.ty].kind, &apis[new.version].types[new.ty].kind);
        Some(match (old_kind, new_kind) {
            (Kind::ValueEnum(a), Kind::ValueEnum(b)) => {
                let same = a.variants.iter().map(|variant| {
                    let other = b.variants.iter().find(|other| other.value == variant.value)?;
                    Some((variant.name.clone(), other.name.clone()))
                });
                Members::Values(same.collect::<Option<_>>()?, a.other.clone().zip(b.other.clone()))
            }
            (Kind::Newtype(_), Kind::Newtype(newtype)) => {
                let (a, b) = inside.first()?;
                let constructor = if newtype.checks.is_empty() { Construction::Plain } else { Construction::Checked };
                Members::Inner(self.member(old, new, a, b)?, constructor)
            }
            (Kind::Tuple(a), Kind::Tuple(_)) => {
                // Items are fields in Rust, those that may be missing behind an `Option`; the rest is a list.
                let mut fields = Vec::new();
                for (index, (a_item, b_item)) in inside.iter().enumerate() {
                    let conversion = self.member(old, new, a_item, b_item)?;
                    let (name, conversion) = if index == a.items.len() {
                        ("rest".to_owned(), within(conversion, Conversion::List))
                    } else if index < a.min_items {
                        (format!("item{}", index + 1), conversion)
                    } else {
                        (format!("item{}", index + 1), within(conversion, Conversion::Nullable))
                    };
                    fields.push((name.clone(), name, conversion));
                }
                Members::Fields(fields)
            }
            (Kind::Struct(_), Kind::Struct(_)) => {
                let mut fields = self.pairs(old, new, inside)?;
                if let Some((a, b)) = kept {
                    let conversion = within(self.member(old, new, &a, &b)?, Conversion::Map);
                    fields.push((a.name.to_owned(), b.name.to_owned(), conversion));
                }
                Members::Fields(fields)
            }
            (Kind::Union(_), Kind::Union(_)) => Members::Variants(self.pairs(old, new, inside)?),
            _ => return None,
        })
    }

    fn pairs(&mut self, old: &Id, new: &Id, inside: Pairs<'a>) -> Option<Vec<(String, String, Conversion)>> {
        let pairs = inside.iter().map(|(a, b)| {
            let conversion = self.member(old, new, a, b)?;
            Some((a.name.to_owned(), b.name.to_owned(), conversion))
        });
        pairs.collect()
    }

    fn member(&mut self, old: &Id, new: &Id, a: &Inside<'a>, b: &Inside<'a>) -> Option<Conversion> {
        let (from, to) = (TypeOf { version: old.version, ty: a.ty }, TypeOf { version: new.version, ty: b.ty });
        let conversion = self.conversion(from, to)?;
        Some((0..a.options).fold(conversion, |inner, _| within(inner, Conversion::Nullable)))
    }
}

impl Converter<'_> {
    /// Whether a member has been given another type, and not the same type another content: then whoever has all of the
    /// value at hand says what becomes of it.
    fn is_another(&self, from: usize, old: &Type, to: usize, new: &Type) -> bool {
        match (old, new) {
            (Type::Boxed(old), new) => self.is_another(from, old, to, new),
            (old, Type::Boxed(new)) => self.is_another(from, old, to, new),
            (Type::Nullable(old), Type::Nullable(new))
            | (Type::List(old), Type::List(new))
            | (Type::Map(old), Type::Map(new)) => self.is_another(from, old, to, new),
            (Type::Tuple(old), Type::Tuple(new)) => {
                old.len() != new.len() || old.iter().zip(new).any(|(old, new)| self.is_another(from, old, to, new))
            }
            (Type::Named(old), Type::Named(new)) => {
                let name = |version: usize, id: DefinitionId| &self.apis[version].types[id].name;
                name(from, *old) != name(to, *new) && self.home(from, *old) != self.home(to, *new)
            }
            (old, new) => old != new,
        }
    }
}

/// Whether the type is, or may be, of the user's crate, so that an `impl` for it or from it can be written there.
fn owned(ty: &Type) -> bool {
    matches!(ty, Type::Named(_) | Type::Custom(_))
}

/// What is the same inside of a container is the same container.
fn within(inner: Conversion, container: fn(Box<Conversion>) -> Conversion) -> Conversion {
    if inner == Conversion::Same { inner } else { container(Box::new(inner)) }
}

fn boxed(from: Boxing, to: Boxing, inner: Conversion) -> Conversion {
    if from == to && inner == Conversion::Same {
        return inner;
    }
    Conversion::Boxed { from, to, inner: Box::new(inner) }
}
