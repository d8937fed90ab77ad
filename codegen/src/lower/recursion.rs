//! Types that contain themselves: a `Box` where the cycle closes, and nowhere else.

use crate::ir::{DefinitionId, Kind, Type, Types};

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    OnPath,
    Done,
}

/// Puts a `Box` on every use of a type that closes a cycle of types that contain each other directly.
/// `Vec` and maps already put their items elsewhere.
pub(super) fn box_cycles(types: &mut Types) {
    let mut marks = vec![Mark::New; types.definitions.len()];
    for start in 0..types.definitions.len() {
        visit(types, &mut marks, DefinitionId(start));
    }
}

/// Depth-first without recursion of our own: a document can chain thousands of types.
fn visit(types: &mut Types, marks: &mut [Mark], start: DefinitionId) {
    if marks[start.0] != Mark::New {
        return;
    }
    let mut path = vec![(start, contained(&types[start].kind))];
    marks[start.0] = Mark::OnPath;
    while let Some((id, pending)) = path.last_mut() {
        let id = *id;
        match pending.pop() {
            None => {
                marks[id.0] = Mark::Done;
                path.pop();
            }
            Some(target) => match marks[target.0] {
                Mark::OnPath => box_uses(&mut types[id].kind, target),
                Mark::New => {
                    marks[target.0] = Mark::OnPath;
                    let inside = contained(&types[target].kind);
                    path.push((target, inside));
                }
                Mark::Done => {}
            },
        }
    }
}

/// The named types that a value of this kind holds in place.
fn contained(kind: &Kind) -> Vec<DefinitionId> {
    let mut found = Vec::new();
    each_type(kind, &mut |ty| in_place(ty, &mut found));
    found
}

fn in_place(ty: &Type, found: &mut Vec<DefinitionId>) {
    match ty {
        Type::Named(id) => found.push(*id),
        Type::Nullable(inner) => in_place(inner, found),
        Type::Tuple(items) => items.iter().for_each(|item| in_place(item, found)),
        _ => {}
    }
}

fn box_uses(kind: &mut Kind, target: DefinitionId) {
    each_type_mut(kind, &mut |ty| box_in(ty, target));
}

fn box_in(ty: &mut Type, target: DefinitionId) {
    match ty {
        Type::Named(id) if *id == target => *ty = Type::Boxed(Box::new(ty.clone())),
        Type::Nullable(inner) => box_in(inner, target),
        Type::Tuple(items) => items.iter_mut().for_each(|item| box_in(item, target)),
        _ => {}
    }
}

fn each_type(kind: &Kind, visit: &mut impl FnMut(&Type)) {
    match kind {
        Kind::Struct(object) => object.fields.iter().for_each(|field| visit(&field.ty)),
        Kind::Union(union) => union.variants.iter().for_each(|variant| visit(&variant.ty)),
        Kind::Newtype(newtype) => visit(&newtype.inner),
        Kind::Tuple(tuple) => tuple.items.iter().for_each(visit),
        Kind::ValueEnum(_) | Kind::Pending => {}
    }
}

fn each_type_mut(kind: &mut Kind, visit: &mut impl FnMut(&mut Type)) {
    match kind {
        Kind::Struct(object) => object.fields.iter_mut().for_each(|field| visit(&mut field.ty)),
        Kind::Union(union) => union.variants.iter_mut().for_each(|variant| visit(&mut variant.ty)),
        Kind::Newtype(newtype) => visit(&mut newtype.inner),
        Kind::Tuple(tuple) => tuple.items.iter_mut().for_each(visit),
        Kind::ValueEnum(_) | Kind::Pending => {}
    }
}
