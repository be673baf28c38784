//! BlockchainTests: blocks that have to be imported or refused, then the newest block and the state.

mod import;

use crate::ethereum_tests::{
    chain::{self, Chain},
    files::{Plan, FORK},
    fixture::{self, Accounts, Data},
    report::Verdict,
};
use alloy_primitives::B256;
use alloy_rlp::{Decodable, Header as RlpHeader};
use bzk_evm::block::Header;
use import::Refused;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Test {
    network: String,
    /// Read only if the network is ours: old forks may have other fields.
    #[serde(flatten)]
    rest: Value,
}

/// A test of our fork.
pub(super) struct BlockCase {
    network: String,
    content: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
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
    rlp: Data,
    /// Only blocks that are valid have one.
    #[serde(rename = "blockHeader")]
    header: Option<Named>,
    /// What is wrong with an invalid block.
    #[serde(rename = "expectException", alias = "expectExceptionALL")]
    exception: Option<String>,
}

impl TestBlock {
    /// What should be wrong with the block; `None` for a valid one. Old files only leave the header
    /// of an invalid block out.
    fn expected_exception(&self) -> Option<&str> {
        let unnamed = self.header.is_none().then_some("a block without a header in the file");
        self.exception.as_deref().or(unnamed)
    }
}

/// The part of a header in JSON that we compare; the rest follows from the hash.
#[derive(Deserialize)]
struct Named {
    hash: B256,
}

/// The cases of a file.
pub(super) fn plan(text: &str) -> Result<Plan<BlockCase>, serde_json::Error> {
    let mut plan = Plan { cases: Vec::new(), other_forks: 0 };
    for (name, test) in serde_json::from_str::<BTreeMap<String, Test>>(text)? {
        // Chains that change to our fork on the way are named as excused.
        if test.network.contains(FORK) {
            let case = serde_json::from_value(test.rest).map_err(|error| error.to_string());
            let case = case.map(|content| BlockCase { network: test.network, content });
            plan.cases.push((name, case));
        } else {
            plan.other_forks += 1;
        }
    }
    Ok(plan)
}

/// Runs one case.
pub(super) fn run(case: &BlockCase) -> Verdict {
    if case.network != FORK {
        return Verdict::Excused(format!("fork transition {}", case.network));
    }
    Importer::start(&case.content).and_then(Importer::import_all).err().unwrap_or(Verdict::Passed)
}

/// A chain under import.
struct Importer<'a> {
    case: &'a Content,
    genesis: Header,
    chain: Chain,
    /// The newest imported block; genesis at first.
    head: B256,
    /// Imported blocks with their parents.
    imported: BTreeMap<B256, (B256, &'a [u8])>,
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
            imported: BTreeMap::new(),
        };
        let root = importer.chain.execute(chain::state_root);
        ensure_equal("genesis state root", root, importer.genesis.state_root)?;
        Ok(importer)
    }

    fn import_all(mut self) -> Result<(), Verdict> {
        for (index, block) in self.case.blocks.iter().enumerate() {
            self.import(index, block)?;
        }
        ensure_equal("last block hash", self.head, self.case.last_block_hash)?;
        if let Some(expected) = self.case.post_state_hash {
            ensure_equal("post state", self.chain.execute(chain::state_root), expected)?;
        }
        if let Some(expected) = &self.case.post_state {
            let mut chain = Chain::new(fixture::genesis(expected)?);
            let expected = chain.execute(chain::state_root);
            ensure_equal("post state", self.chain.execute(chain::state_root), expected)?;
        }
        Ok(())
    }

    fn import(&mut self, index: usize, block: &'a TestBlock) -> Result<(), Verdict> {
        let rlp = &block.rlp.0;
        let imported = self.import_rlp(rlp);
        match (block.expected_exception(), imported) {
            (None, Ok((parent, hash))) => {
                self.imported.insert(hash, (parent, rlp));
                self.head = hash;
                Ok(())
            }
            (Some(_), Err(_)) => Ok(()),
            (Some(expected), Ok(_)) => {
                Err(Verdict::Failed(format!("block {index} imported, but expects {expected}")))
            }
            (None, Err(refused)) => Err(self.excuse(index, rlp, &refused)),
        }
    }

    /// Imports a block on its parent, which becomes the head first if it is not.
    fn import_rlp(&mut self, rlp: &[u8]) -> Result<(B256, B256), Refused> {
        let parent = parent_hash(rlp).ok_or_else(|| Refused("not valid rlp".into()))?;
        if parent != self.head {
            self.go_to(parent)?;
        }
        let hash = self.chain.execute(|| import::import(rlp, |_, _| ()))?;
        Ok((parent, hash))
    }

    /// Rebuilds the state of an imported block from genesis.
    fn go_to(&mut self, block: B256) -> Result<(), Refused> {
        let mut path = Vec::new();
        let mut at = block;
        while let Some((parent, rlp)) = self.imported.get(&at) {
            path.push(*rlp);
            at = *parent;
        }
        if at != bzk_evm::block::hash(&self.genesis) {
            return Err(Refused(format!("unknown parent {block}")));
        }
        let chain = import::genesis(&self.case.pre, &self.genesis);
        self.chain = chain.map_err(|_| Refused("genesis".into()))?;
        self.head = at;
        for rlp in path.into_iter().rev() {
            self.head = self.chain.execute(|| import::import(rlp, |_, _| ()))?;
        }
        Ok(())
    }

    /// A valid block was refused: for a reason of the profile, or by mistake.
    fn excuse(&mut self, index: usize, rlp: &[u8], refused: &Refused) -> Verdict {
        match self.chain.execute(|| import::outside_profile(rlp)) {
            Some(reason) => Verdict::Excused(reason),
            None => Verdict::Failed(format!("block {index} refused: {}", refused.0)),
        }
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
