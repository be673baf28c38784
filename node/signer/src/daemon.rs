//! The daemon: looks at the chain, has the member act, sends what it owes.

use crate::{
    member::{MemberNode, Outgoing},
    node::Node,
    payouts::OwnNodes,
    store::KeyStore,
};
use bzk_bitcoin_client::Bitcoind;
use bzk_health::Health;
use bzk_threshold::view::View;
use std::time::Duration;
use tokio::{
    runtime::Builder,
    signal::unix::{signal, SignalKind},
};

/// What the daemon runs on.
pub struct Daemon {
    /// The store; it is ours until the process ends.
    pub store: KeyStore,
    /// A node of the L2 that follows finality.
    pub node: Node,
    /// One's own bitcoind.
    pub bitcoin: Bitcoind,
    /// Between two looks at the chain.
    pub interval: Duration,
    /// What it tells of itself.
    pub health: Health,
}

impl Daemon {
    /// Runs until SIGTERM or SIGINT; the round that has begun is finished first. Errors of the nodes are
    /// waited out.
    ///
    /// # Errors
    /// Those of the store: what is on disk is not known then, so the process must end.
    pub fn run(self) -> anyhow::Result<()> {
        let Self { store, node, bitcoin, interval, health } = self;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (mut terminate, mut interrupt) = {
            let _context = runtime.enter();
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
        };
        let policy = OwnNodes::new(&node, &bitcoin, &runtime);
        let member = MemberNode::new(store)?;
        let mut work = Work { member, policy, node: &node, health: &health, seen: Seen::default() };
        loop {
            work.round()?;
            let stop = runtime.block_on(async {
                tokio::select! {
                    () = tokio::time::sleep(interval) => false,
                    _ = terminate.recv() => true,
                    _ = interrupt.recv() => true,
                }
            });
            if stop {
                eprintln!("stopped");
                return Ok(());
            }
        }
    }
}

/// What the daemon has looked at.
#[derive(Default)]
struct Seen {
    finalised: String,
    best: String,
    /// Whether there was a session at the finalised block.
    signing: bool,
}

struct Work<'a> {
    member: MemberNode,
    policy: OwnNodes<'a, Bitcoind>,
    node: &'a Node,
    health: &'a Health,
    seen: Seen,
}

impl Work<'_> {
    /// One look at both nodes. Their errors are counted; the store's is returned.
    fn round(&mut self) -> anyhow::Result<()> {
        let mut well = true;
        match self.policy.tip() {
            Ok(tip) => self.health.set("bzk_signer_bitcoin_height", tip.height.into()),
            Err(error) => well = self.fail(&error),
        }
        match look(self.node, &mut self.seen.finalised, Node::finalised) {
            Ok(view) => view.map_or(Ok(()), |view| self.act(&view))?,
            Err(error) => well = self.fail(&error),
        }
        if self.seen.signing {
            match look(self.node, &mut self.seen.best, Node::best) {
                Ok(view) => {
                    let outgoing = view.map(|view| self.member.finish(&view)).unwrap_or_default();
                    self.submit(&outgoing);
                }
                Err(error) => well = self.fail(&error),
            }
        }
        if well {
            self.health.succeed();
        }
        Ok(())
    }

    /// Does what a final view asks for.
    fn act(&mut self, view: &View) -> anyhow::Result<()> {
        self.policy.retain(|session| view.sessions.iter().any(|open| open.id == session));
        self.seen.signing = !view.sessions.is_empty();
        let outgoing = self.member.step(view, &mut self.policy)?;
        self.health.set("bzk_signer_keys", view.keys.len() as u64);
        self.health.set("bzk_signer_keys_without_share", self.member.lacking() as u64);
        self.health.set("bzk_signer_sessions", view.sessions.len() as u64);
        self.health.set("bzk_signer_attempts", self.member.attempts() as u64);
        self.health.set("bzk_signer_sessions_doubted", self.policy.doubted() as u64);
        self.submit(&outgoing);
        Ok(())
    }

    fn submit(&self, outgoing: &[Outgoing]) {
        for message in outgoing {
            self.health.add("bzk_signer_messages_total", 1);
            if let Err(error) = self.node.submit(message) {
                self.health.add("bzk_signer_refusals_total", 1);
                eprintln!("{error:#}");
            }
        }
    }

    /// Notes that a node did not answer; false.
    fn fail(&self, error: &anyhow::Error) -> bool {
        self.health.add("bzk_signer_failures_total", 1);
        eprintln!("{error:#}");
        false
    }
}

/// The view of the block that `head` gives, unless it is the one that was `seen`.
fn look(
    node: &Node,
    seen: &mut String,
    head: impl Fn(&Node) -> anyhow::Result<String>,
) -> anyhow::Result<Option<View>> {
    let head = head(node)?;
    if head == *seen {
        return Ok(None);
    }
    let view = node.view(&head)?;
    *seen = head;
    Ok(Some(view))
}
