// Azure OpenAI with its model deployments.

@description('Name of the account, which is also its subdomain: tokens need one.')
param name string = 'oai-swarmstar'

@description('Region.')
param location string = resourceGroup().location

@description('Tags.')
param tags object = {}

@description('Model deployments, each with name, model, version, sku and capacity.')
param deployments array = []

@description('Who may call the models: each with id and type.')
param dataPrincipals array = []

@description('Whether the account is reached by its private endpoint alone.')
param isPrivate bool = false

@description('Workspace for the account\'s own logs; empty: none are written.')
param logWorkspaceId string = ''

var roles = {
  'Cognitive Services OpenAI User': '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd'
}

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'OpenAI'
  sku: {
    name: 'S0'
  }
  properties: {
    customSubDomainName: name
    disableLocalAuth: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

// One after the other, as the service wants it.
@batchSize(1)
resource models 'Microsoft.CognitiveServices/accounts/deployments@2025-06-01' = [for deployment in deployments: {
  parent: account
  name: deployment.name
  sku: {
    name: deployment.sku
    capacity: deployment.capacity
  }
  properties: {
    model: {
      format: 'OpenAI'
      name: deployment.model
      version: deployment.version
    }
    // A version that retires is replaced by the then default one, where an error to every call would be the other way.
    versionUpgradeOption: 'OnceCurrentVersionExpired'
  }
}]

resource callers 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in dataPrincipals: {
  name: guid(account.id, principal.id, roles['Cognitive Services OpenAI User'])
  scope: account
  properties: {
    principalId: principal.id
    principalType: principal.type
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Cognitive Services OpenAI User'])
  }
}]

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (!empty(logWorkspaceId)) {
  name: 'workspace'
  scope: account
  properties: {
    workspaceId: logWorkspaceId
    logs: [
      { category: 'Audit', enabled: true }
      { category: 'RequestResponse', enabled: true }
    ]
  }
}

@description('Resource id.')
output id string = account.id

@description('Base address of the OpenAI-compatible API.')
output baseUrl string = '${account.properties.endpoint}openai/v1'
