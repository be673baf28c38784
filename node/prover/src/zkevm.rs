//! Proves one block with the zkEVM: segments, batches, block. Circuits live on disk; what a segment needs
//! of the table circuits is loaded for it and dropped again, because all of them at once take all memory.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{anyhow, ensure, Context, Result};
use evm_arithmetization::{
    fixed_recursive_verifier::{ProverOutputData, RecursionConfig},
    generation::generate_traces,
    prover::prove as prove_tables,
    AllRecursiveCircuits, AllStark, GenerationInputs, ProofWithPublicValues,
    RecursiveCircuitsForTableSize, SegmentDataIterator, StarkConfig, NUM_TABLES,
};
use keccak_hash::keccak;
use plonky2::{
    field::goldilocks_field::GoldilocksField,
    plonk::{circuit_data::VerifierCircuitData, config::PoseidonGoldilocksConfig},
    recursion::cyclic_recursion::check_cyclic_proof_verifier_data,
    util::{
        log2_strict,
        serialization::{Buffer, DefaultGateSerializer, DefaultGeneratorSerializer},
        timing::TimingTree,
    },
};

use crate::{
    memory,
    stage::{kept, timed, write_whole},
    tables::{ensure_circuit, most_rows, SEGMENT_LOG, TABLE_LOGS},
};

/// The field.
pub type F = GoldilocksField;
/// Poseidon over the field and its quadratic extension: all layers but the last.
pub type C = PoseidonGoldilocksConfig;
/// Degree of the extension.
pub const D: usize = 2;

/// Measured: 15.0, 9.1, and 8.1 with the circuits.
const SETUP_GIB: u64 = 15;
const PROVE_GIB: u64 = 9;
const SEGMENT_GIB: u64 = 8;

type SegmentProof = ProverOutputData<F, C, D>;

/// What the kernel's run gives for a segment.
type Segment = <SegmentDataIterator<F> as Iterator>::Item;

/// The upper circuits of the zkEVM and where its table circuits are.
pub struct Zkevm {
    /// A quarter of a megabyte, which would be on the stack several times.
    upper: Box<AllRecursiveCircuits>,
    stark: AllStark<F, D>,
    folder: PathBuf,
}

impl Zkevm {
    /// Builds all circuits and writes them into `folder`.
    ///
    /// # Errors
    /// When the disk is full or the circuits do not encode.
    pub fn set_up(folder: &Path) -> Result<()> {
        memory::ensure_gib(SETUP_GIB)?;
        fs::create_dir_all(folder)?;
        let circuits = AllRecursiveCircuits::new(
            &AllStark::default(),
            &TABLE_LOGS,
            RecursionConfig::default(),
        );
        let generators = DefaultGeneratorSerializer::<C, D>::default();
        for (table, sizes) in circuits.by_table.iter().enumerate() {
            for (log, circuit) in &sizes.by_stark_size {
                let mut bytes = Vec::new();
                circuit.to_buffer(&mut bytes, &DefaultGateSerializer, &generators).map_err(io)?;
                fs::write(table_file(folder, table, *log), bytes)?;
            }
        }
        write_block_circuit(folder, &circuits)?;
        let upper = circuits.to_bytes(true, &DefaultGateSerializer, &generators).map_err(io)?;
        // Last, so that its presence says that all are there.
        write_whole(&upper_file(folder), &upper)
    }

    /// Loads the upper circuits from `folder`.
    ///
    /// # Errors
    /// When they are not there or damaged, or there is too little memory to prove with them.
    pub fn load(folder: &Path) -> Result<Self> {
        memory::ensure_gib(PROVE_GIB)?;
        let path = upper_file(folder);
        let bytes = fs::read(&path).with_context(|| no_circuits(&path))?;
        let upper = AllRecursiveCircuits::from_bytes(
            &bytes,
            true,
            &DefaultGateSerializer,
            &DefaultGeneratorSerializer::<C, D>::default(),
        )
        .map(Box::new)
        .map_err(io)?;
        Ok(Self { upper, stark: AllStark::default(), folder: folder.into() })
    }

    /// Proves a block, given the inputs of its batches: the proof is that of the batches, joined.
    /// What is finished is kept in `folder`, so that a run that was cut off goes on from there.
    ///
    /// # Errors
    /// When the block is invalid or larger than the circuits.
    pub fn prove_block(
        &self,
        batches: Vec<GenerationInputs>,
        folder: &Path,
    ) -> Result<ProofWithPublicValues> {
        fs::create_dir_all(folder)?;
        // The batches so far, and whether they are more than one.
        let mut joined: Option<(ProofWithPublicValues, bool)> = None;
        for (number, inputs) in batches.into_iter().enumerate() {
            let name = batch_stage(number);
            let batch = self.prove_batch(inputs, folder, &name).with_context(|| name.clone())?;
            joined = Some(match joined {
                None => (batch, false),
                Some((left, many)) => {
                    let name = format!("batches-{number}");
                    let both = kept(&folder.join(format!("{name}.json")), &name, || {
                        self.upper.prove_batch_aggregation(many, &left, false, &batch)
                    })?;
                    (both, true)
                }
            });
        }
        let (block, many) = joined.context("a block has no batch")?;
        ensure!(many, "a block is proven as two batches or more");
        let circuit = &self.upper.batch_aggregation.circuit;
        circuit.verify(block.intern.clone())?;
        check_cyclic_proof_verifier_data(&block.intern, &circuit.verifier_only, &circuit.common)?;
        write_whole(&folder.join("joined.json"), &serde_json::to_vec(&block)?)?;
        Ok(block)
    }

    /// Proves of a block's segments those whose number leaves `share` when it is divided by `shares`, and joins none.
    /// Where a segment begins follows from the block alone, so workers that know nothing of each other each prove a share.
    ///
    /// # Errors
    /// As [`Self::prove_block`].
    pub fn prove_share(
        &self,
        batches: Vec<GenerationInputs>,
        folder: &Path,
        (share, shares): (usize, usize),
    ) -> Result<()> {
        fs::create_dir_all(folder)?;
        let mut turns = (0..shares).cycle();
        for (number, inputs) in batches.into_iter().enumerate() {
            let batch = batch_stage(number);
            for (number, segment) in segments(&inputs).enumerate() {
                // Also in another's share: the kernel does not go on behind a segment that failed.
                let segment = segment.map_err(|error| anyhow!("{error}"))?;
                if turns.next() == Some(share) {
                    self.kept_segment(Ok(segment), folder, &segment_stage(&batch, number))?;
                }
            }
        }
        Ok(())
    }

    /// Proves a segment unless its proof is there.
    fn kept_segment(
        &self,
        segment: Segment,
        folder: &Path,
        stage: &str,
    ) -> Result<ProofWithPublicValues> {
        let (inputs, mut data) = segment.map_err(|error| anyhow!("{error}"))?;
        kept(&folder.join(format!("{stage}.json")), stage, || self.prove_segment(inputs, &mut data))
    }

    /// Proves all segments of a batch and folds them into one proof.
    fn prove_batch(
        &self,
        inputs: GenerationInputs,
        folder: &Path,
        batch: &str,
    ) -> Result<ProofWithPublicValues> {
        let mut whole: Option<SegmentProof> = None;
        for (number, segment) in segments(&inputs).enumerate() {
            let proof = self.kept_segment(segment, folder, &segment_stage(batch, number))?;
            let proof = SegmentProof { is_agg: false, is_dummy: false, proof_with_pvs: proof };
            whole = Some(match whole {
                None => proof,
                Some(left) => {
                    self.join(&left, &proof, folder, &format!("{batch}-joined-{number}"))?
                }
            });
        }
        let whole = whole.context("a batch has no segment")?;
        let whole = if whole.is_agg {
            whole
        } else {
            // The circuit takes two: the second one is a copy that it ignores.
            let copy = SegmentProof { is_dummy: true, ..whole.clone() };
            self.join(&whole, &copy, folder, &format!("{batch}-joined-0"))?
        };
        Ok(whole.proof_with_pvs)
    }

    fn join(
        &self,
        left: &SegmentProof,
        right: &SegmentProof,
        folder: &Path,
        name: &str,
    ) -> Result<SegmentProof> {
        let proof = kept(&folder.join(format!("{name}.json")), name, || {
            Ok(self.upper.prove_segment_aggregation(left, right)?.proof_with_pvs)
        })?;
        Ok(SegmentProof { is_agg: true, is_dummy: false, proof_with_pvs: proof })
    }

    fn prove_segment(
        &self,
        inputs: evm_arithmetization::TrimmedGenerationInputs,
        data: &mut evm_arithmetization::GenerationSegmentData,
    ) -> Result<ProofWithPublicValues> {
        // Others may have taken it since the circuits were loaded.
        memory::ensure_gib(SEGMENT_GIB)?;
        let config = StarkConfig::standard_fast_config();
        let mut timing = TimingTree::default();
        let tables = timed("  tables", || {
            prove_tables::<F, C, D>(&self.stark, &config, inputs, data, &mut timing, None)
        })?;
        let logs = tables.degree_bits(&config);
        eprintln!("  heights {logs:?}");
        let circuits = timed("  circuits", || {
            let mut circuits: [Option<_>; NUM_TABLES] = Default::default();
            for (table, log) in logs.into_iter().enumerate() {
                if let Some(log) = log {
                    circuits[table] = Some(self.table_circuit(table, log)?);
                }
            }
            Ok(circuits)
        })?;
        timed("  shrink and join", || {
            self.upper.prove_segment_after_initial_stark(tables, &circuits, None)
        })
    }

    /// The circuit of a table of height 2^`log`, and its index among the table's circuits.
    fn table_circuit(
        &self,
        table: usize,
        log: usize,
    ) -> Result<(RecursiveCircuitsForTableSize, u8)> {
        ensure_circuit(table, log)?;
        let bytes = fs::read(table_file(&self.folder, table, log))?;
        let circuit = RecursiveCircuitsForTableSize::from_buffer(
            &mut Buffer::new(&bytes),
            &DefaultGateSerializer,
            &DefaultGeneratorSerializer::<C, D>::default(),
        )
        .map_err(io)?;
        Ok((circuit, u8::try_from(log - TABLE_LOGS[table].start)?))
    }
}

fn batch_stage(number: usize) -> String {
    format!("batch-{number}")
}

fn segment_stage(batch: &str, number: usize) -> String {
    format!("{batch}-segment-{number}")
}

/// The segments of a batch. Each ends before it runs 2^[`SEGMENT_LOG`] cycles or fills a table: where, is decided
/// by the block alone, so that a prover that starts again cuts at the same places.
fn segments(inputs: &GenerationInputs) -> SegmentDataIterator<F> {
    SegmentDataIterator::new(inputs, Some(SEGMENT_LOG)).with_most_rows(most_rows())
}

/// Fills the tables of a batch and proves nothing; prints the rows that each segment was predicted to fill and the
/// heights of its tables.
///
/// # Errors
/// When the batch is invalid, or a table has no circuit.
pub fn heights(inputs: &GenerationInputs) -> Result<()> {
    let (stark, config) = (AllStark::<F, D>::default(), StarkConfig::standard_fast_config());
    for segment in segments(inputs) {
        let (inputs, mut data) = segment.map_err(|error| anyhow!("{error}"))?;
        let rows = data.rows();
        let mut timing = TimingTree::default();
        let filled = generate_traces(&stark, &inputs, &config, &mut data, &mut timing)?;
        let logs = filled
            .tables
            .map(|columns| columns.first().map_or(0, |column| log2_strict(column.len())));
        println!("{logs:?} {rows:?}");
        for (table, log) in logs.into_iter().enumerate() {
            // The memory after the last segment is empty.
            if filled.table_in_use[table] {
                ensure_circuit(table, log)?;
            }
        }
    }
    Ok(())
}

/// What verifies the proofs of blocks, and nothing else of the circuits.
///
/// # Errors
/// When the circuits are not there or damaged.
pub fn block_circuit(folder: &Path) -> Result<VerifierCircuitData<F, C, D>> {
    VerifierCircuitData::from_bytes(block_circuit_bytes(folder)?, &DefaultGateSerializer)
        .map_err(io)
}

/// A name for the circuit of blocks that no other one has: what its proofs are kept by.
///
/// # Errors
/// When the circuits are not there.
pub fn block_circuit_name(folder: &Path) -> Result<String> {
    let digest = keccak(block_circuit_bytes(folder)?);
    Ok(hex::encode(&digest.0[..4]))
}

fn block_circuit_bytes(folder: &Path) -> Result<Vec<u8>> {
    let path = block_file(folder);
    fs::read(&path).with_context(|| no_circuits(&path))
}

fn no_circuits(path: &Path) -> String {
    format!("no circuits in {}: run `bzk-prover setup`", path.display())
}

fn write_block_circuit(folder: &Path, circuits: &AllRecursiveCircuits) -> Result<()> {
    let bytes = circuits
        .batch_aggregation
        .circuit
        .verifier_data()
        .to_bytes(&DefaultGateSerializer)
        .map_err(io)?;
    write_whole(&block_file(folder), &bytes)
}

fn block_file(folder: &Path) -> PathBuf {
    folder.join("batches-verifier.bin")
}

fn upper_file(folder: &Path) -> PathBuf {
    folder.join("upper.bin")
}

fn table_file(folder: &Path, table: usize, log: usize) -> PathBuf {
    folder.join(format!("table-{table}-{log}.bin"))
}

/// The error of a circuit that does not encode or decode.
pub fn io(error: plonky2::util::serialization::IoError) -> anyhow::Error {
    anyhow!("the circuits do not encode or decode: {error:?}")
}

#[cfg(test)]
mod tests {
    use plonky2::plonk::circuit_data::CircuitConfig;

    use super::*;

    /// As the table in README.md says: what plonky2 calls security, and what is proven.
    #[test]
    fn layers_below_the_chain_are_as_secure_as_is_stated() {
        let tables = StarkConfig::standard_fast_config().fri_config;
        let circuits = CircuitConfig::standard_recursion_config().fri_config;
        for fri in [tables, circuits] {
            let queries = fri.num_query_rounds * fri.rate_bits;
            let work = fri.proof_of_work_bits as usize;
            assert_eq!((queries + work, queries / 2 + work), (100, 58));
        }
    }
}
