//! Groups: several instances share the work of one consumer.
//!
//! Subjects are divided into partitions by their hash, and each partition is leased by one member at a time. What a
//! member has, it has for a *session*: it reads from the lowest of its partitions' checkpoints on and handles what is
//! theirs. When it should have other partitions (one joined, left, or died), the session ends as by shutdown, and another
//! one begins. Each session has a token of its own, and without the token that a partition is leased under nothing of it
//! can be stored ([`Completions`]), so a member that was away for too long does no harm when it comes back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use super::completions::{Completion, Completions, Opened};
use super::error::{ConsumeError, StoreError};
use super::handler::Handler;
use super::lanes::Order;
use super::patience::persist;
use super::progress::{Keeper, Part};
use super::settings::{Held, Reader, Sessions, Until};
use super::shutdown::Shutdown;
use crate::event::Position;

const PARTITIONS: u32 = 16;
const LEASE: Duration = Duration::from_secs(15);
/// How long a store may take to answer, at the least, before leases are asked for anew.
const PATIENCE: Duration = Duration::from_secs(5);

/// How instances of a consumer share its work: `.name("mailer").group(Group::new())`, the same in all of them.
///
/// Each event is handled by one instance, events of one subject by the same one and in their order. When an instance
/// joins or leaves, the work is divided anew, evenly; when one dies, the others take over what it had once its lease has
/// run out, and go on where it was. The store must be one that all reach, and that has leases
/// ([`PostgresCheckpoints`](super::PostgresCheckpoints)).
///
/// Events without a subject are ordered among themselves, so one instance handles them all.
///
/// ```no_run
/// # async fn wiring(log: impl event_api::log::Log + Clone + 'static, mailer: impl event_api::Handler)
/// #     -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(feature = "postgres")] {
/// use event_api::consume::{Group, LogConsumer, PostgresCheckpoints};
///
/// let checkpoints = PostgresCheckpoints::connect("postgres://localhost/mailer").await?;
/// LogConsumer::new(&log, checkpoints).name("mailer").group(Group::new()).concurrency(8).run(mailer).await?;
/// # }
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    partitions: u32,
    lease: Duration,
}

impl Group {
    /// Sixteen partitions, leased for fifteen seconds.
    pub fn new() -> Self {
        Group { partitions: PARTITIONS, lease: LEASE }
    }

    /// One instance works, and the others wait to take over from it.
    pub fn standby() -> Self {
        Group::new().partitions(1)
    }

    /// Into how many parts the work is divided: no more instances than this can share it. It cannot be changed later; 0
    /// counts as 1.
    #[must_use]
    pub fn partitions(mut self, partitions: u32) -> Self {
        self.partitions = partitions.clamp(1, 1024);
        self
    }

    /// For how long a partition is leased: after so long, others take over from an instance that is dead. Leases are
    /// renewed three times as often.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.clamp(Duration::from_millis(30), Duration::from_secs(3600));
        self
    }
}

impl Default for Group {
    fn default() -> Self {
        Group::new()
    }
}

/// Divides partitions among the members of groups.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Enters the member, or says that it is still there; gives up what is more than its share, takes what is free up to
    /// its share, and leases all that to `holder`. Called when the member has nothing under way.
    ///
    /// # Errors
    /// When storage fails.
    async fn acquire(&self, member: &Membership, holder: &str) -> Result<Acquired, StoreError>;

    /// Says that the member is still there, and prolongs what `holder` has.
    ///
    /// # Errors
    /// When storage fails.
    async fn renew(&self, member: &Membership, holder: &str) -> Result<Standing, StoreError>;

    /// The member leaves, and all it had is free.
    ///
    /// # Errors
    /// When storage fails.
    async fn leave(&self, member: &Membership) -> Result<(), StoreError>;
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Membership {
    /// The group: the consumer's name.
    pub group: String,
    /// Tells the member from all others.
    pub member: String,
    /// Into how many partitions it believes the group is divided.
    pub partitions: u32,
    /// For how long it leases.
    pub lease: Duration,
}

impl Membership {
    /// A member.
    pub fn new(group: impl Into<String>, member: impl Into<String>, partitions: u32, lease: Duration) -> Self {
        Membership { group: group.into(), member: member.into(), partitions, lease }
    }
}

/// What a member has got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acquired {
    /// Into how many partitions the group is divided. Where that is another number than the member's, it gets nothing.
    pub partitions: u32,
    /// Its partitions, from 0.
    pub held: Vec<u32>,
}

/// Where a member stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// How many partitions it has.
    pub held: usize,
    /// How many it should have.
    pub share: usize,
    /// How many it could have beside those now; need not be known to a member that has its share.
    pub free: usize,
}

impl Standing {
    /// Whether it had better stop, and acquire again.
    fn is_to_change(&self, had: usize) -> bool {
        self.held != had || self.held > self.share || (self.held < self.share && self.free > 0)
    }
}

/// The share of the member at `rank` of `members`, from 0.
#[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "Postgres is the one store that has leases"))]
pub(super) fn share(partitions: usize, members: usize, rank: usize) -> usize {
    let members = members.max(1);
    partitions / members + usize::from(rank < partitions % members)
}

/// The checkpoint of a partition.
pub(super) fn partition_name(group: &str, partition: u32) -> String {
    format!("{group}#{partition}")
}

/// The partitions that a session has.
pub(super) struct Partitions {
    count: u32,
    held: HashMap<u32, Part>,
}

impl Partitions {
    /// Whose checkpoint an event moves, when it is of a partition that is held and not behind its checkpoint.
    pub(super) fn consumer(&self, subject: Option<&str>, position: Position) -> Option<&str> {
        let part = self.held.get(&partition(subject.unwrap_or_default(), self.count))?;
        (part.at < Some(position)).then_some(part.consumer.as_str())
    }
}

/// The partition of a subject, the same in every release and on every machine: FNV-1a, and because that hardly spreads
/// texts that differ in their last bytes only, the finalizer of MurmurHash3 on top.
fn partition(subject: &str, count: u32) -> u32 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in subject.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^= hash >> 33;
    u32::try_from(hash % u64::from(count.max(1))).unwrap_or_default()
}

/// Consumes as a member of a group, session after session.
pub(super) async fn run<H: Handler>(
    sessions: &Sessions<H>,
    completions: &Arc<dyn Completions>,
    group: &Group,
    reader: &impl Reader,
    until: Until,
) -> Result<(), ConsumeError> {
    let Some(leases) = sessions.settings.checkpoints.leases() else {
        let reason = "its store of checkpoints has no leases (`Checkpoints::leases`), so it cannot be one of a group; \
                      `PostgresCheckpoints` has";
        return Err(ConsumeError::Setup(reason.to_owned()));
    };
    let name = Uuid::now_v7().to_string();
    let member = Membership::new(sessions.consumer.clone(), name, group.partitions, group.lease);
    let worked = work(sessions, completions, &leases, &member, reader, until).await;
    // Where that fails, the leases run out.
    let left = in_time(&member, "leaving the group", leases.leave(&member)).await;
    if let Err(error) = left {
        tracing::warn!(consumer = member.group, error = super::attempt::chain(&error), "the group could not be left");
    }
    worked
}

async fn work<H: Handler>(
    sessions: &Sessions<H>,
    completions: &Arc<dyn Completions>,
    leases: &Arc<dyn Leases>,
    member: &Membership,
    reader: &impl Reader,
    until: Until,
) -> Result<(), ConsumeError> {
    let wish = &sessions.settings.shutdown;
    loop {
        if wish.requested() {
            return Ok(());
        }
        let holder: Arc<str> = Uuid::now_v7().to_string().into();
        let asking = || async {
            let asked = Instant::now();
            let acquired = in_time(member, "leasing partitions of", leases.acquire(member, &holder)).await?;
            Ok((asked, acquired))
        };
        let (asked, acquired) = match persist(wish, asking).await {
            Ok(acquired) => acquired,
            Err(_) if wish.requested() => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if acquired.partitions != member.partitions {
            return Err(ConsumeError::Setup(format!(
                "the group {:?} is divided into {} partitions, and this member is set to {}; use the same number, or \
                 another name to start anew",
                member.group, acquired.partitions, member.partitions
            )));
        }
        if acquired.held.is_empty() {
            if until == Until::CaughtUp || wish.sleep(member.lease / 3).await.is_none() {
                return Ok(());
            }
            continue;
        }
        tracing::info!(consumer = member.group, member = member.member, partitions = ?acquired.held, "partitions leased");
        let (session, ended) = watch::channel(false);
        let mut left = ended.clone();
        let mut heart = JoinSet::new();
        let had = acquired.held.len();
        heart.spawn(beat(Arc::clone(leases), member.clone(), Arc::clone(&holder), had, asked, session));
        let shutdown = wish.or_when(async move {
            let _ = left.wait_for(|left| *left).await;
        });
        let held = hold(wish, completions, member, holder, &acquired.held).await?;
        match sessions.session(held, &shutdown, reader, until).await {
            Err(ConsumeError::Overtaken { .. }) => {
                tracing::warn!(consumer = member.group, "a lease ran out and has passed to another member");
            }
            // It ended because its leases could not be renewed either. The next one begins when the store is there again.
            Err(ConsumeError::Store(error)) if *ended.borrow() && !wish.requested() => {
                let error = super::attempt::chain(&error);
                tracing::warn!(consumer = member.group, error, "a store is away, and leases with it");
            }
            Err(error) => return Err(error),
            Ok(()) if wish.requested() || (until == Until::CaughtUp && !*ended.borrow()) => return Ok(()),
            Ok(()) => {}
        }
    }
}

/// Does something with leases, or fails when the store does not answer.
async fn in_time<T>(
    member: &Membership,
    doing: &str,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let done = tokio::time::timeout(member.lease.max(PATIENCE), work).await;
    done.unwrap_or_else(|elapsed| Err(StoreError::new(format!("{doing} {:?}", member.group), elapsed)))
}

/// The checkpoints of partitions.
async fn hold(
    wish: &Shutdown,
    completions: &Arc<dyn Completions>,
    member: &Membership,
    holder: Arc<str>,
    numbers: &[u32],
) -> Result<Held, ConsumeError> {
    let (mut parts, mut held, mut before) = (Vec::new(), HashMap::new(), HashSet::new());
    let mut lowest = None;
    for number in numbers {
        let consumer = partition_name(&member.group, *number);
        let Opened { checkpoint, completed } = persist(wish, || completions.open(&consumer)).await?;
        before.extend(completed.into_iter().map(|event| Completion { consumer: consumer.clone(), event }));
        let at = checkpoint.as_ref().and_then(|checkpoint| checkpoint.position);
        // `None`, the beginning, is the lowest.
        if lowest.as_ref().is_none_or(|(lowest, _)| at < *lowest) {
            lowest = Some((at, checkpoint));
        }
        let part = Part { consumer, at };
        held.insert(*number, part.clone());
        parts.push(part);
    }
    let order =
        Order::ByPartition { holder: Arc::clone(&holder), partitions: Partitions { count: member.partitions, held } };
    let keeper = Keeper::Holder { holder, parts, completions: Arc::clone(completions) };
    Ok(Held { keeper, checkpoint: lowest.and_then(|(_, checkpoint)| checkpoint), before, order })
}

/// Renews the leases of a session, also while it is ending, and ends it when the member should have others, or when they
/// are about to run out: handlers must not be called beside those of whoever has them next.
async fn beat(
    leases: Arc<dyn Leases>,
    member: Membership,
    holder: Arc<str>,
    had: usize,
    mut renewed: Instant,
    session: watch::Sender<bool>,
) {
    loop {
        let renewing = async {
            tokio::time::sleep(member.lease / 3).await;
            // A store that does not answer is as good as none.
            (Instant::now(), tokio::time::timeout(member.lease / 2, leases.renew(&member, &holder)).await)
        };
        tokio::pin!(renewing);
        let (asked, answer) = tokio::select! {
            biased;
            answered = &mut renewing => answered,
            () = tokio::time::sleep_until(renewed + member.lease * 5 / 6) => {
                session.send_if_modified(|ended| !std::mem::replace(ended, true));
                renewing.await
            }
        };
        match answer {
            Ok(Ok(standing)) => {
                renewed = asked;
                if standing.is_to_change(had) {
                    session.send_replace(true);
                }
            }
            failed => {
                let error = match &failed {
                    Ok(Err(error)) => super::attempt::chain(error),
                    _ => "the store did not answer".to_owned(),
                };
                tracing::warn!(consumer = member.group, error, "leases could not be renewed");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_differ_by_one_at_most_and_cover_all() {
        for members in 1..20 {
            let shares: Vec<usize> = (0..members).map(|rank| share(16, members, rank)).collect();
            assert_eq!(shares.iter().sum::<usize>(), 16, "{members} members");
            assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
        }
    }

    #[test]
    fn the_partition_of_a_subject_never_changes() {
        // Changed, events of a subject would be handled by two members at a time while a new release is deployed.
        let partitions = ["", "/users/1", "/users/2", "/users/3"].map(|subject| partition(subject, 16));
        assert_eq!(partitions, [6, 7, 12, 6]);
        let all: HashSet<u32> = (0..1000).map(|user| partition(&format!("/users/{user}"), 16)).collect();
        assert_eq!(all.len(), 16, "similar subjects are spread");
    }
}
