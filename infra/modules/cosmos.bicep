// The database: one account in one region, strongly consistent, with the one container of shared/adapters/cosmos/schema.py.

@description('Name of the account.')
param name string = 'cosmos-swarmstar'

@description('Region.')
param location string = resourceGroup().location

@description('Tags.')
param tags object = {}

@allowed(['serverless', 'autoscale'])
@description('How it is paid for.')
param mode string = 'serverless'

@description('Request units per second at most, for `autoscale`.')
param maxThroughput int = 1000

@description('Who may read and write documents: each with id and type.')
param dataPrincipals array = []

@description('Whether the account is reached by its private endpoint alone.')
param isPrivate bool = false

@description('Workspace for the account\'s own logs; empty: none are written.')
param logWorkspaceId string = ''

var isServerless = mode == 'serverless'
// A role of the account, not of Azure: it reads and writes documents and creates neither databases nor containers.
var roles = {
  'Cosmos DB Built-in Data Contributor': '00000000-0000-0000-0000-000000000002'
}

resource account 'Microsoft.DocumentDB/databaseAccounts@2025-04-15' = {
  name: name
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    capabilities: isServerless ? [{ name: 'EnableServerless' }] : []
    // Conditional writes are right at any level; what follows a write reads it for certain at this one.
    consistencyPolicy: {
      defaultConsistencyLevel: 'Strong'
    }
    locations: [
      {
        locationName: location
        failoverPriority: 0
        isZoneRedundant: false
      }
    ]
    enableAutomaticFailover: false
    backupPolicy: {
      type: 'Continuous'
      continuousModeProperties: {
        tier: 'Continuous7Days'
      }
    }
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
  }
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2025-04-15' = {
  parent: account
  name: 'swarmstar'
  properties: {
    resource: {
      id: 'swarmstar'
    }
  }
}

resource container 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2025-04-15' = {
  parent: database
  name: 'swarms'
  properties: {
    options: isServerless ? {} : { autoscaleSettings: { maxThroughput: maxThroughput } }
    resource: {
      id: 'swarms'
      partitionKey: {
        paths: ['/pk']
        kind: 'Hash'
        version: 2
      }
      defaultTtl: -1
      indexingPolicy: {
        indexingMode: 'consistent'
        automatic: true
        includedPaths: [
          { path: '/pk/?' }
          { path: '/category/?' }
          { path: '/seq/?' }
          { path: '/key/?' }
        ]
        excludedPaths: [
          { path: '/*' }
        ]
        compositeIndexes: [
          [
            { path: '/pk', order: 'ascending' }
            { path: '/category', order: 'ascending' }
            { path: '/seq', order: 'ascending' }
            { path: '/key', order: 'ascending' }
          ]
        ]
      }
    }
  }
}

// On the whole account, which holds this database alone: a client reads the account's metadata when it opens. One
// after the other and last, since the account takes one change at a time.
@batchSize(1)
resource contributors 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2025-04-15' = [for principal in dataPrincipals: {
  parent: account
  name: guid(account.id, principal.id, roles['Cosmos DB Built-in Data Contributor'])
  properties: {
    principalId: principal.id
    roleDefinitionId: '${account.id}/sqlRoleDefinitions/${roles['Cosmos DB Built-in Data Contributor']}'
    scope: account.id
  }
  dependsOn: [
    container
  ]
}]

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (!empty(logWorkspaceId)) {
  name: 'workspace'
  scope: account
  properties: {
    workspaceId: logWorkspaceId
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      { category: 'ControlPlaneRequests', enabled: true }
      { category: 'PartitionKeyRUConsumption', enabled: true }
    ]
  }
}

@description('Resource id.')
output id string = account.id

@description('Endpoint.')
output endpoint string = account.properties.documentEndpoint
