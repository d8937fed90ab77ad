#[event_api::event_api("spec/asyncapi.yaml", baseline = "spec/released.yaml", compat = "full-transitive")]
pub mod user_service {}

fn main() {}
