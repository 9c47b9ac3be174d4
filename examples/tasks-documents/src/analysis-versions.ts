/**
 * Versions of the methods. One grows when its method changes: documents that an older version has seen are looked at again by the
 * next run.
 */
export const ANALYSIS_VERSIONS = { entities: '1', structure: '1', tags: '1', translation: '1' } as const
