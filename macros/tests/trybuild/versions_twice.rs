#[event_api::event_api("spec/v1.yaml", versions = ["spec/v1.yaml", "spec/v2.yaml"])]
mod users {}

fn main() {}
