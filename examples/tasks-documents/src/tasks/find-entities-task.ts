import { defineTask } from '@ds/core'
import { ANALYSIS_VERSIONS } from '../analysis-versions.ts'
import type { EntityType } from '../entities/entity.ts'
import { forEachDocument, selectionOf } from './analyse.ts'
import { documentsConfig, searchIndex } from './dependencies.ts'
import { findEntitiesArgs, findEntitiesResult } from './schemas.ts'

/** People, organisations, places, e-mail addresses, phone numbers and dates in the indexed documents. */
export const findEntitiesTask = defineTask(
  'find_entities',
  {
    description:
      'Finds people, organisations, places, e-mail addresses, phone numbers and dates in the indexed documents',
    args: findEntitiesArgs,
    result: findEntitiesResult,
    group: 'cpu',
    isolation: 'thread',
    maxRetries: 2,
    dependencies: [documentsConfig, searchIndex],
  },
  async ({ force, ...args }, { signal, progress, dependencies: { config, index } }) => {
    const entities: Record<EntityType, number> = { person: 0, organisation: 0, place: 0, email: 0, phone: 0, date: 0 }
    const analysis = { kind: 'entities', version: `${ANALYSIS_VERSIONS.entities}-${config.country ?? ''}` }
    const scope = { selection: selectionOf(args), analysis, force }
    const documents = await forEachDocument({ index, signal, progress }, scope, async (document, onProgress) => {
      const { findEntities } = await import('../entities/find-entities.ts')
      const { language } = document
      const found = await findEntities(document.text, { signal, language, country: config.country, onProgress })
      index.putFinding(document.id, { kind: 'entities', version: analysis.version, entities: found })
      for (const { type } of found) entities[type] += 1
    })
    return { documents, entities }
  },
)
