//! BlockchainTests: blocks that have to be imported or refused, then the newest block and the state.

mod import;

use crate::ethereum_tests::{
    chain::{self, Chain},
    exceptions::Reason,
    files::{Plan, ENGINE_PAYLOADS, FORK},
    fixture::{self, Accounts, Data},
    profile,
    report::Verdict,
};
use alloy_primitives::B256;
use alloy_rlp::{Decodable, Header as RlpHeader};
use bzk_evm::block::Header;
use import::Refused;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// A test of our fork, or of a chain that changes to or from it.
pub(super) enum BlockCase {
    /// Blocks to import.
    Blocks(Box<Content>),
    /// Not run, for this reason.
    Excused(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Content {
    #[serde(rename = "genesisRLP")]
    genesis_rlp: Data,
    genesis_block_header: Named,
    pre: Accounts,
    blocks: Vec<TestBlock>,
    #[serde(rename = "lastblockhash")]
    last_block_hash: B256,
    post_state: Option<Accounts>,
    post_state_hash: Option<B256>,
}

#[derive(Deserialize)]
struct TestBlock {
    rlp: BlockBytes,
    /// Only blocks that are valid have one.
    #[serde(rename = "blockHeader")]
    header: Option<Named>,
    /// What is wrong with an invalid block.
    #[serde(rename = "expectException")]
    exception: Option<String>,
    /// The same, for every fork.
    #[serde(rename = "expectExceptionALL")]
    exception_of_all: Option<String>,
    /// The same, for our fork.
    #[serde(rename = "expectExceptionCancun")]
    exception_of_ours: Option<String>,
}

impl TestBlock {
    /// What should be wrong with the block; `None` for a valid one. Old files only leave the header
    /// of an invalid block out.
    fn expected_exception(&self) -> Option<&str> {
        let Self { exception, exception_of_all, exception_of_ours, header, .. } = self;
        let named = [exception, exception_of_ours, exception_of_all];
        let unnamed = header.is_none().then_some("a block without a header in the file");
        named.into_iter().find_map(Option::as_deref).or(unnamed)
    }
}

/// A block in RLP; invalid blocks need not even be hex.
struct BlockBytes(Result<Vec<u8>, String>);

impl<'de> Deserialize<'de> for BlockBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = serde_json::from_value::<Data>(text.into());
        Ok(Self(bytes.map(|data| data.0).map_err(|error| error.to_string())))
    }
}

/// The part of a header in JSON that we compare; the rest follows from the hash.
#[derive(Deserialize)]
struct Named {
    hash: B256,
}

/// The case of a test. Chains that change to our fork on the way are named as excused.
pub(super) fn plan(name: &str, test: Value) -> Plan<BlockCase> {
    let Some(network) = test.get("network").and_then(Value::as_str) else {
        return Plan::single(name, Err("a block test without `network`".into()));
    };
    // Tests of other forks may have other fields and are not read.
    if !network.contains(FORK) {
        return Plan { cases: Vec::new(), other_forks: 1 };
    }
    let case = if network != FORK {
        Ok(BlockCase::Excused(format!("fork transition {network}")))
    } else if test.get(ENGINE_PAYLOADS).is_some() {
        Ok(BlockCase::Excused("payloads of the engine API, which our chain does not have".into()))
    } else {
        let content = serde_json::from_value(test).map(Box::new);
        content.map(BlockCase::Blocks).map_err(|error| error.to_string())
    };
    Plan::single(name, case)
}

/// Runs one case.
pub(super) fn run(case: &BlockCase) -> Verdict {
    match case {
        BlockCase::Blocks(content) => {
            let done = Importer::start(content).and_then(Importer::import_all);
            let (Ok(verdict) | Err(verdict)) = done;
            verdict
        }
        BlockCase::Excused(reason) => Verdict::Excused(reason.clone()),
    }
}

/// A chain under import.
struct Importer<'a> {
    case: &'a Content,
    genesis: Header,
    chain: Chain,
    /// The newest valid block; genesis at first.
    head: B256,
    /// The block after which `chain` stands: the parent of the block before, if that one was
    /// refused.
    at: B256,
    /// Imported blocks with their parents.
    imported: BTreeMap<B256, (B256, &'a [u8])>,
    /// How it ends if all is as expected.
    verdict: Verdict,
}

impl<'a> Importer<'a> {
    fn start(case: &'a Content) -> Result<Self, Verdict> {
        let genesis = genesis_header(&case.genesis_rlp.0)
            .ok_or_else(|| Verdict::Failed("the genesis block is not valid rlp".into()))?;
        let head = bzk_evm::block::hash(&genesis);
        ensure_equal("genesis hash", head, case.genesis_block_header.hash)?;
        let mut importer = Self {
            case,
            chain: import::genesis(&case.pre, &genesis)?,
            genesis,
            head,
            at: head,
            imported: BTreeMap::new(),
            verdict: Verdict::Passed,
        };
        let root = importer.chain.execute(chain::state_root);
        ensure_equal("genesis state root", root, importer.genesis.state_root)?;
        Ok(importer)
    }

    fn import_all(mut self) -> Result<Verdict, Verdict> {
        for (index, block) in self.case.blocks.iter().enumerate() {
            self.import(index, block)?;
        }
        ensure_equal("last block hash", self.head, self.case.last_block_hash)?;
        let head = self.head;
        self.go_to(head).map_err(|refused| Verdict::Failed(refused.to_string()))?;
        if let Some(expected) = self.case.post_state_hash {
            ensure_equal("post state", self.chain.execute(chain::state_root), expected)?;
        }
        if let Some(expected) = &self.case.post_state {
            let mut chain = Chain::new(fixture::genesis(expected)?);
            let expected = chain.execute(chain::state_root);
            ensure_equal("post state", self.chain.execute(chain::state_root), expected)?;
        }
        Ok(self.verdict)
    }

    fn import(&mut self, index: usize, block: &'a TestBlock) -> Result<(), Verdict> {
        let failed = |why: String| Verdict::Failed(format!("block {index} {why}"));
        let rlp = match (&block.rlp.0, block.expected_exception()) {
            (Ok(rlp), _) => rlp,
            (Err(_), Some(_)) => {
                self.verdict = Verdict::Refused;
                return Ok(());
            }
            (Err(why), None) => return Err(failed(why.clone())),
        };
        match (block.expected_exception(), self.import_rlp(rlp)) {
            (_, Err(refused @ Refused::Ledger(_))) => Err(failed(refused.to_string())),
            (None, Ok((parent, hash))) => {
                self.imported.insert(hash, (parent, rlp));
                self.head = hash;
                Ok(())
            }
            (Some(expected), Err(refused)) => match refused.reason(expected) {
                Reason::Named => Ok(()),
                Reason::NotCompared => {
                    self.verdict = Verdict::Refused;
                    Ok(())
                }
                Reason::Wrong => Err(failed(format!("refused: {refused}, but expects {expected}"))),
            },
            // Ours say zero, which is wrong right after a genesis block with so much blob gas.
            (Some(_), Ok((parent, _)))
                if parent == bzk_evm::block::hash(&self.genesis)
                    && profile::has_excess_after(&self.genesis) =>
            {
                Err(Verdict::Excused("genesis block with blob gas".into()))
            }
            (Some(expected), Ok(_)) => Err(failed(format!("imported, but expects {expected}"))),
            (None, Err(refused)) => Err(match self.outside_profile(rlp) {
                Some(reason) => Verdict::Excused(reason),
                None => failed(format!("refused: {refused}")),
            }),
        }
    }

    /// Imports a block on its parent, to whose state the chain goes first.
    fn import_rlp(&mut self, rlp: &[u8]) -> Result<(B256, B256), Refused> {
        let parent = parent_hash(rlp).ok_or_else(|| Refused::Block("not valid rlp".into()))?;
        self.go_to(parent)?;
        self.at = self.chain.execute(|| import::import(rlp, |_, _| ()))?;
        Ok((parent, self.at))
    }

    /// Goes to the state after an imported block, if need be from genesis.
    fn go_to(&mut self, block: B256) -> Result<(), Refused> {
        if block == self.at {
            return Ok(());
        }
        let mut path = Vec::new();
        let mut at = block;
        while let Some((parent, rlp)) = self.imported.get(&at) {
            path.push(*rlp);
            at = *parent;
        }
        if at != bzk_evm::block::hash(&self.genesis) {
            return Err(Refused::Block(format!("unknown parent {block}")));
        }
        let chain = import::genesis(&self.case.pre, &self.genesis);
        self.chain = chain.map_err(|_| Refused::Block("genesis".into()))?;
        self.at = at;
        for rlp in path.into_iter().rev() {
            self.at = self.chain.execute(|| import::import(rlp, |_, _| ()))?;
        }
        Ok(())
    }

    /// Why a block is refused that Ethereum holds valid, unless by mistake; the chain stands at its
    /// parent.
    fn outside_profile(&mut self, rlp: &[u8]) -> Option<String> {
        self.chain.execute(|| import::outside_profile(rlp))
    }
}

fn ensure_equal(what: &str, ours: B256, expected: B256) -> Result<(), Verdict> {
    if ours == expected {
        Ok(())
    } else {
        Err(Verdict::Failed(format!("{what} {ours}, expected {expected}")))
    }
}

/// The header of a block in RLP, without regard to what follows it.
fn genesis_header(mut block: &[u8]) -> Option<Header> {
    RlpHeader::decode(&mut block).ok()?;
    Header::decode(&mut block).ok()
}

/// The parent that a block names; its header need not be one of ours.
fn parent_hash(mut block: &[u8]) -> Option<B256> {
    RlpHeader::decode(&mut block).ok().filter(|header| header.list)?;
    RlpHeader::decode(&mut block).ok().filter(|header| header.list)?;
    B256::decode(&mut block).ok()
}
