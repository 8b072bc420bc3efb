// Two storage accounts: one is the host's (leases, task hub, deployment package), one holds the content of swarms.

@minLength(3)
@maxLength(24)
@description('Name of the host\'s account.')
param hostName string = 'sthostswarmstar'

@minLength(3)
@maxLength(24)
@description('Name of the account of the content.')
param contentName string = 'stdataswarmstar'

@description('Region.')
param location string = resourceGroup().location

@description('Tags.')
param tags object = {}

@description('Replication.')
param sku string = 'Standard_LRS'

@description('The app: id and type.')
param appPrincipal object = {}

@description('Who may read and write content: each with id and type.')
param dataPrincipals array = []

@description('Days that deleted content can be brought back; 0 deletes at once.')
param contentRetentionDays int = 7

@description('Whether the accounts are reached by private endpoints alone.')
param isPrivate bool = false

var packageContainer = 'deployments'
// The name in shared/adapters/azure_blob.py.
var contentContainer = 'swarms'

// What the host's account asks of the app; the host itself needs to own its blobs.
var hostRoles = {
  'Storage Blob Data Owner': 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  'Storage Queue Data Contributor': '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  'Storage Table Data Contributor': '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}
var contentRoles = {
  'Storage Blob Data Contributor': 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
}

resource host 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: hostName
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

resource hostBlobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: host
  name: 'default'
}

resource package 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: hostBlobs
  name: packageContainer
  properties: {
    publicAccess: 'None'
  }
}

resource content 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: contentName
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

resource contentBlobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: content
  name: 'default'
  properties: {
    deleteRetentionPolicy: contentRetentionDays == 0 ? { enabled: false } : { enabled: true, days: contentRetentionDays }
  }
}

resource swarms 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: contentBlobs
  name: contentContainer
  properties: {
    publicAccess: 'None'
  }
}

resource hostBlobOwner 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(host.id, appPrincipal.id, hostRoles['Storage Blob Data Owner'])
  scope: host
  properties: {
    principalId: appPrincipal.id
    principalType: appPrincipal.type
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', hostRoles['Storage Blob Data Owner'])
  }
}

resource hostQueueContributor 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(host.id, appPrincipal.id, hostRoles['Storage Queue Data Contributor'])
  scope: host
  properties: {
    principalId: appPrincipal.id
    principalType: appPrincipal.type
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', hostRoles['Storage Queue Data Contributor'])
  }
}

resource hostTableContributor 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(host.id, appPrincipal.id, hostRoles['Storage Table Data Contributor'])
  scope: host
  properties: {
    principalId: appPrincipal.id
    principalType: appPrincipal.type
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', hostRoles['Storage Table Data Contributor'])
  }
}

resource contentContributors 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in dataPrincipals: {
  name: guid(content.id, principal.id, contentRoles['Storage Blob Data Contributor'])
  scope: content
  properties: {
    principalId: principal.id
    principalType: principal.type
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', contentRoles['Storage Blob Data Contributor'])
  }
}]

@description('Resource id of the host\'s account.')
output hostId string = host.id

@description('Resource id of the account of the content.')
output contentId string = content.id

@description('Container of the deployment package, by its address.')
output packageContainerUrl string = '${host.properties.primaryEndpoints.blob}${package.name}'

@description('Blob endpoint of the host\'s account.')
output hostBlobEndpoint string = host.properties.primaryEndpoints.blob

@description('Queue endpoint of the host\'s account.')
output hostQueueEndpoint string = host.properties.primaryEndpoints.queue

@description('Table endpoint of the host\'s account.')
output hostTableEndpoint string = host.properties.primaryEndpoints.table

@description('Blob endpoint of the content.')
output contentBlobEndpoint string = content.properties.primaryEndpoints.blob
