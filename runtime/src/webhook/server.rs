//! The subscription resource: HTTP requests go in, subscriptions of the store and problem documents come out.
//!
//! `POST /subscriptions` · `GET /subscriptions` · `GET /subscriptions/{id}` · `DELETE /subscriptions/{id}`

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Path, Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body;
use super::guard::Guard;
use super::sign::Secret;
use super::subscription::{Cursor, Start, Status, Subscription, SubscriptionId, Subscriptions};
use crate::consume::StoreError;
use crate::event::{Channel, Position, Transport};
use crate::log::Log;
use crate::problem::Problem;

const BODY_LIMIT: usize = 64 * 1024;
const DEFAULT_PAGE: usize = 100;
const LARGEST_PAGE: usize = 500;

/// What the subscription router offers.
pub struct Settings {
    log: Arc<dyn Log>,
    channels: Vec<&'static Channel>,
    guard: Guard,
}

impl Settings {
    /// Subscriptions to `channels` of `log`. Channels that are not carried by webhooks are left out.
    pub fn new(log: &(impl Log + Clone + 'static), channels: impl IntoIterator<Item = &'static Channel>) -> Self {
        let carried = channels.into_iter().filter(|channel| channel.transports.contains(&Transport::Webhook));
        Settings { log: Arc::new(log.clone()), channels: carried.collect(), guard: Guard::public_only() }
    }

    /// Where callback URLs may point. Give the dispatcher the same guard.
    #[must_use]
    pub fn guard(mut self, guard: Guard) -> Self {
        self.guard = guard;
        self
    }
}

/// The subscription resource, for the service to nest: `Router::new().nest("/webhooks", webhook::router(..))`.
///
/// It does not know who is asking: whoever reaches it can list and delete every subscription. Put it behind the
/// service's own authorisation (`.layer(..)` around the nested router).
///
/// | request | answer |
/// | --- | --- |
/// | `POST /subscriptions` with `{"callback_url", "event_types"?, "channels"?, "from"?}` | 201, `Location`, and the only time that the secret is shown |
/// | `GET /subscriptions?after=ID&limit=N` | 200, a page; `next` is the URL of the next one |
/// | `GET /subscriptions/{id}` | 200, with how far it has come in each channel and what fails |
/// | `DELETE /subscriptions/{id}` | 204 |
///
/// `event_types` and `channels` default to all. `from` is `"now"` (the default), `"beginning"`, or the position of an
/// event in the one channel that is subscribed to. Errors are problem documents (RFC 9457).
pub fn router(subscriptions: &(impl Subscriptions + Clone + 'static), settings: Settings) -> Router {
    let api = Api { subscriptions: Arc::new(subscriptions.clone()), settings };
    Router::new()
        .route("/subscriptions", get(list).post(create))
        .route("/subscriptions/{id}", get(show).delete(delete))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", "see the `Allow` header")
        })
        .with_state(Arc::new(api))
}

struct Api {
    subscriptions: Arc<dyn Subscriptions>,
    settings: Settings,
}

/// The body of a creation. Unknown members are refused: a misspelt `event_types` would subscribe to everything.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Creation {
    callback_url: String,
    #[serde(default)]
    event_types: Vec<String>,
    #[serde(default)]
    channels: Vec<String>,
    #[serde(default)]
    from: Option<Value>,
}

#[derive(Deserialize)]
struct PageQuery {
    after: Option<SubscriptionId>,
    limit: Option<usize>,
}

/// A subscription as it is shown.
#[derive(Serialize)]
struct View {
    id: SubscriptionId,
    callback_url: String,
    event_types: Vec<String>,
    channels: Vec<String>,
    from: Value,
    created_at: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<Disabled>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Vec<Progress>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

#[derive(Serialize)]
struct Disabled {
    at: String,
    reason: String,
}

#[derive(Serialize)]
struct Progress {
    channel: String,
    position: Position,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureView>,
}

#[derive(Serialize)]
struct FailureView {
    attempts: u32,
    next_attempt_at: String,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
}

#[derive(Serialize)]
struct PageView {
    subscriptions: Vec<View>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl From<Subscription> for View {
    fn from(subscription: Subscription) -> Self {
        let (status, disabled) = match subscription.status {
            Status::Active => ("active", None),
            Status::Disabled { at, reason } => ("disabled", Some(Disabled { at: time(at), reason })),
        };
        View {
            id: subscription.id,
            callback_url: subscription.callback_url,
            event_types: subscription.event_types,
            channels: subscription.channels,
            from: match subscription.start {
                Start::Now => "now".into(),
                Start::Beginning => "beginning".into(),
                Start::At(position) => position.0.into(),
            },
            created_at: time(subscription.created_at),
            status,
            disabled,
            progress: None,
            secret: None,
        }
    }
}

impl From<(String, Cursor)> for Progress {
    fn from((channel, cursor): (String, Cursor)) -> Self {
        let failure = cursor.failure.map(|failure| FailureView {
            attempts: failure.attempts,
            next_attempt_at: time(failure.next_attempt_at),
            error: failure.error,
            status: failure.status,
        });
        Progress { channel, position: cursor.position, failure }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Problem::internal(&error)
    }
}

async fn create(
    State(api): State<Arc<Api>>,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Result<Response, Problem> {
    let creation = read_creation(request).await?;
    let guard = &api.settings.guard;
    let url = guard.check(&creation.callback_url).await.map_err(|error| {
        tracing::warn!(%error, "a callback URL was refused");
        unprocessable("callback_url", error.public())
    })?;
    if url.as_str().parse::<Uri>().is_err() {
        return Err(unprocessable("callback_url", "it is no URI that a request can be sent to"));
    }
    let wanted = wanted_channels(&api.settings.channels, &creation.channels)?;
    check_event_types(&wanted, &creation.event_types)?;
    let (start, cursors) = beginnings(&api, &wanted, creation.from.as_ref()).await?;

    let secret = Secret::generate().map_err(|error| Problem::internal(&error))?;
    let mut subscription = Subscription::new(url, secret.clone());
    subscription.event_types = creation.event_types;
    subscription.channels = creation.channels;
    subscription.start = start;
    api.subscriptions.create(&subscription, &cursors).await?;
    tracing::info!(subscription = %subscription.id, url = %subscription.callback_url, "webhook subscription created");

    let location = format!("{}/{}", uri.path(), subscription.id);
    let view = View { secret: Some(secret.reveal()), ..subscription.into() };
    // The only place where the secret is: it must not stay in a cache.
    let headers = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    let mut response = (StatusCode::CREATED, headers, Json(view)).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

async fn list(
    State(api): State<Arc<Api>>,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<PageView>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad_request(error.body_text()))?;
    let limit = query.limit.unwrap_or(DEFAULT_PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Problem::bad_request(format!("`limit` is {limit}; it must be from 1 to {LARGEST_PAGE}")));
    }
    // One more than is shown: whether there is a next page.
    let mut page = api.subscriptions.list(query.after.as_ref(), limit + 1).await?;
    let more = page.len() > limit;
    page.truncate(limit);
    let last = page.last().filter(|_| more);
    let next = last.map(|last| format!("{}?after={}&limit={limit}", uri.path(), last.id));
    Ok(Json(PageView { subscriptions: page.into_iter().map(View::from).collect(), next }))
}

async fn show(State(api): State<Arc<Api>>, Path(id): Path<SubscriptionId>) -> Result<Json<View>, Problem> {
    let subscription = api.subscriptions.get(&id).await?.ok_or_else(|| not_found(&id))?;
    let mut cursors = api.subscriptions.cursors(&id).await?;
    cursors.sort_by(|a, b| a.0.cmp(&b.0));
    let progress = cursors.into_iter().map(Progress::from).collect();
    Ok(Json(View { progress: Some(progress), ..subscription.into() }))
}

async fn delete(State(api): State<Arc<Api>>, Path(id): Path<SubscriptionId>) -> Result<StatusCode, Problem> {
    match api.subscriptions.delete(&id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(not_found(&id)),
    }
}

async fn read_creation(request: Request) -> Result<Creation, Problem> {
    // A page of another site can make a browser post anything but this type unasked.
    let json = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    });
    if !json {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Unsupported media type",
            "send the subscription as `content-type: application/json`",
        ));
    }
    let body = body::read(request, BODY_LIMIT).await?;
    let refused = |error: &dyn std::fmt::Display| Problem::bad_request(format!("the body is no subscription: {error}"));
    let mut json = serde_json::Deserializer::from_slice(&body);
    let creation = serde_path_to_error::deserialize(&mut json).map_err(|error| refused(&error))?;
    json.end().map_err(|error| refused(&error))?;
    Ok(creation)
}

/// The channels that a subscription to `names` is about.
fn wanted_channels(known: &[&'static Channel], names: &[String]) -> Result<Vec<&'static Channel>, Problem> {
    if names.is_empty() {
        return Ok(known.to_vec());
    }
    let mut wanted: Vec<&'static Channel> = Vec::with_capacity(names.len());
    for name in names {
        let Some(channel) = known.iter().find(|channel| channel.name == name) else {
            let names: Vec<&str> = known.iter().map(|channel| channel.name).collect();
            let detail = format!("there is no channel {name:?}; there are: {}", names.join(", "));
            return Err(unprocessable("channels", detail).with("known", names));
        };
        if wanted.iter().any(|other| other.name == channel.name) {
            return Err(unprocessable("channels", format!("channel {name:?} is there twice")));
        }
        wanted.push(channel);
    }
    Ok(wanted)
}

fn check_event_types(channels: &[&'static Channel], event_types: &[String]) -> Result<(), Problem> {
    let mut known: Vec<&str> = channels.iter().flat_map(|channel| channel.event_types).copied().collect();
    known.sort_unstable();
    known.dedup();
    match event_types.iter().find(|wanted| !known.contains(&wanted.as_str())) {
        None => Ok(()),
        Some(unknown) => {
            let detail =
                format!("there is no event type {unknown:?} in these channels; there are: {}", known.join(", "));
            Err(unprocessable("event_types", detail).with("known", known))
        }
    }
}

/// Where the subscription begins in each of its channels. Read before it is stored, so that an event published in
/// between is after the beginning.
async fn beginnings(
    api: &Api,
    channels: &[&'static Channel],
    from: Option<&Value>,
) -> Result<(Start, Vec<(&'static str, Position)>), Problem> {
    let start = match from {
        None | Some(Value::Null) => Start::Now,
        Some(Value::String(text)) if text == "now" => Start::Now,
        Some(Value::String(text)) if text == "beginning" => Start::Beginning,
        Some(Value::Number(number)) if number.is_u64() => Start::At(Position(number.as_u64().unwrap_or_default())),
        Some(other) => {
            return Err(unprocessable("from", format!("{other} is neither \"now\" nor \"beginning\" nor a position")));
        }
    };
    if matches!(start, Start::At(_)) && channels.len() != 1 {
        return Err(unprocessable("from", "a position is one of a channel: name exactly one in `channels`"));
    }
    let mut cursors = Vec::with_capacity(channels.len());
    for channel in channels {
        let bounds = api.settings.log.bounds(channel.name).await?;
        let position = match start {
            Start::Now => bounds.next,
            Start::Beginning => bounds.oldest,
            Start::At(position) if (bounds.oldest..=bounds.next).contains(&position) => position,
            Start::At(position) => {
                let (oldest, next) = (bounds.oldest, bounds.next);
                let detail =
                    format!("position {position} is not in the log: it has {oldest} to {next} (the next event)");
                return Err(unprocessable("from", detail));
            }
        };
        cursors.push((channel.name, position));
    }
    Ok((start, cursors))
}

fn unprocessable(member: &'static str, reason: impl std::fmt::Display) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "Unusable subscription", format!("`{member}`: {reason}"))
        .with("member", member)
}

fn not_found(id: &SubscriptionId) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "Unknown subscription", format!("there is no subscription {:?}", id.as_str()))
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
