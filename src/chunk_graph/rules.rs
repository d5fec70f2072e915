//! The rules that make chunks exact. Tests break each in turn and check that results change.

/// What must hold so that the table of merged chunks equals that of the whole image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Ranks increase by the foreground that other parts have before them.
    RanksGain,
    /// A voxel waits for neighbours that are in the image and not covered.
    MissingNeighboursWait,
    /// A voxel does not wait for neighbours outside the image.
    ImageEnds,
    /// A covered neighbour that is not live is background.
    CoveredIsBackground,
    /// An edge waits until it is known whether both its ends are junctions.
    UnknownEdgesWait,
    /// Forest edges between terminals may still be dropped.
    TerminalsWait,
    /// The maximum of a chain of forest edges may still be dropped.
    MaximumWaits,
    /// Ends of waiting edges are terminals too.
    WaitingEdgesAreTerminals,
    /// Edges of equal weight are taken in the order of their voxels.
    TiesInOrder,
    /// Contracted clusters stay contracted.
    ClustersStay,
    /// Cycles and components know their smallest voxel.
    SmallestVoxel,
    /// Parallel branches are ordered by their second voxel.
    SecondVoxelOrders,
    /// Floats are added from the source to the destination.
    AddedFromSource,
    /// Isolated voxels count as components.
    IsolatedCount,
}

/// Whether a rule is followed: always, except in tests that break it.
#[cfg(not(test))]
#[inline(always)]
pub(super) const fn holds(_: Rule) -> bool {
    true
}

#[cfg(test)]
pub(super) fn holds(rule: Rule) -> bool {
    BROKEN.get() != Some(rule)
}

#[cfg(test)]
thread_local! {
    pub(super) static BROKEN: std::cell::Cell<Option<Rule>> = const { std::cell::Cell::new(None) };
}
